#pragma once

#include <deque>
#include <string>
#include <vector>

#include "elbo/core/options.h"
#include "elbo/train/gradient_sum.h"

namespace elbo {

/// How the sums of gradients over a group lay in time, step by step.
class SumTrace {
 public:
  /// After each step.
  void add(const GradientSum& sums);
  /// Processes, bytes and milliseconds of the sums of a step, and which share of that time lay
  /// within the backward pass; means over the steps, without the first, which find their order.
  Json summary() const;
  /// The last steps as a Chrome trace (chrome://tracing, ui.perfetto.dev).
  void write(const std::string& path) const;

 private:
  struct Step {
    std::vector<GradientSum::Event> events;
    double backward = 0;
  };
  std::deque<Step> last_;
  int64_t steps_ = 0;
  double seconds_ = 0, hidden_ = 0, backward_ = 0;
};

}  // namespace elbo
