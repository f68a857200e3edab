#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/core/helper.h"
#include "elbo/data/dataset.h"

namespace ELBO_API elbo {

/// The rows of a training step, read beside the step before where they are few and steps are short.
/// The helper that reads them is there for other small work of the step, too.
class NextBatch {
 public:
  struct Request {
    const Dataset& data;
    const Tensor& rows;
    const Draw& draw;
    int64_t step;  // a step's rows are always the same ones
  };
  /// The batch asked for; the rows of the step after it (undefined: none), of the same data and
  /// draw, are read until finish().
  Batch take(const Request& now, const Tensor& next);
  /// Nothing that was read before counts: what follows is of other data.
  void forget() noexcept;
  /// The helper has done all of its work. Raises what reading the next batch raised.
  void finish();
  /// The same, and forgets what went wrong.
  void abandon() noexcept;
  /// Null where threads are few, steps long or a second thread slower than none, as it is where
  /// two share a core. Numbers do not depend on it.
  Helper* helper() { return used_ ? helper_.get() : nullptr; }

 private:
  void decide(const Batch& batch);
  void compare(double seconds);
  void end_helper();

  using Clock = std::chrono::steady_clock;
  bool used_ = false, steps_are_long_ = false;
  std::optional<int64_t> step_;  // that of batch_
  Batch batch_;
  int64_t taken_ = 0;
  Clock::time_point before_;
  std::array<std::vector<double>, 2> seconds_;  // of steps with the helper and without
  std::unique_ptr<Helper> helper_;              // last: its end waits for what writes the others
};

}  // namespace elbo
