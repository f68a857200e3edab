#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/core/graph_node.h"
#include "elbo/group/group.h"
#include "elbo/train/flat.h"

namespace ELBO_API elbo {

/// Sums gradients over the group while the backward pass still runs: stretches of the flat buffer,
/// the last-registered parameters first, each as soon as all its gradients are there. All processes
/// begin the sums in one order; the first pass finds out which order is that of readiness.
/// After Li et al. 2020, arXiv:2006.15704.
class GradientSum {
 public:
  /// `players`: the spans that each player's pass fills.
  GradientSum(FlatParameters& flat, const std::vector<std::vector<Span>>& players);
  ~GradientSum();
  GradientSum(const GradientSum&) = delete;
  GradientSum& operator=(const GradientSum&) = delete;

  /// Before the backward pass of a player.
  void begin(size_t player);
  /// After it: waits until the player's gradients are those of the whole group.
  void finish();

  /// What the latest pass did, in seconds from its beginning.
  struct Event {
    int64_t bytes = 0;
    double began = 0, ended = 0;
  };
  const std::vector<Event>& events() const { return *events_; }
  double backward_seconds() const { return backward_seconds_; }

 private:
  struct Bucket {
    int64_t offset = 0, size = 0;
    std::vector<size_t> parameters;
    size_t missing = 0;  // parameters whose gradient is not there yet
  };
  struct Pass {
    std::vector<Bucket> buckets;
    std::vector<size_t> order;     // in which sums begin
    std::vector<int64_t> bucket;   // of each parameter, -1 = not of this player
    std::vector<size_t> finished;  // buckets in order of readiness, while that is being found out
    bool ordered = false;
  };
  using Clock = std::chrono::steady_clock;

  Pass make_pass(const std::vector<Span>& spans) const;
  void ready(size_t parameter);
  void begin_ready_sums();
  void begin_sum(const Bucket& bucket);
  void agree_on_order(Pass& pass);

  FlatParameters& flat_;
  std::vector<Pass> passes_;
  // Autograd holds these weakly, and with them the hooks.
  std::vector<GraphNode> nodes_;
  Pass* pass_ = nullptr;  // under way
  size_t next_ = 0;       // in its order
  std::vector<std::unique_ptr<Group::Sum>> sums_;
  // Shared with sums, whose last word may come after they were waited for.
  std::shared_ptr<std::vector<Event>> events_ = std::make_shared<std::vector<Event>>();
  Clock::time_point start_;
  double backward_seconds_ = 0;
};

/// The share of the time of the sums that lay within the backward pass.
double hidden_share(const std::vector<GradientSum::Event>& events, double backward_seconds);

}  // namespace elbo
