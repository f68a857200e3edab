#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/group/group.h"
#include "elbo/group/row_draws.h"

namespace ELBO_API elbo {

/// What the processes of a group must know of each other at a step beside gradients: whether every
/// loss is finite, whether somebody wants to stop, whether their random streams still are one, and
/// the mean terms of the loss. One small sum under way during the backward pass.
class Agreement {
 public:
  /// Once per player's pass, before its backward pass.
  void begin(const std::vector<std::pair<std::string, double>>& terms);
  /// After it.
  void finish();

  bool finite() const { return finite_; }
  /// Terms as means over the group.
  const std::vector<std::pair<std::string, double>>& terms() const { return terms_; }

  /// Asks that all stop together; they do after a step that began later.
  void want_stop() { wants_stop_ = true; }
  bool all_stop() const { return all_stop_; }

 private:
  Tensor sent_;  // float64
  std::unique_ptr<Group::Sum> sum_;
  std::vector<std::pair<std::string, double>> terms_;
  bool finite_ = true, wants_stop_ = false, all_stop_ = false;
};

/// The part of `total` rows that falls to this process: the whole where it is alone. Parts follow
/// each other in the order of the processes; earlier ones are larger by one where they must be.
RowPart own_part(int64_t total);
/// Raises an Error where the processes hold different bits: then one of them computes wrongly.
void check_same_bits(const Tensor& values, const char* what);

}  // namespace elbo
