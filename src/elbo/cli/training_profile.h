#pragma once

#include <cstdint>
#include <string>

#include "elbo/core/options.h"
#include "elbo/core/profile.h"

namespace elbo {

/// Where the time of a training's steps goes, without the first ones, which make what later ones
/// use again.
class TrainingProfile {
 public:
  /// After each step.
  void stepped();
  /// Of the steps so far, beside the speed of products, which is measured now (a second): "steps",
  /// "threads", "step_us" (all of the lines but those aside), "gflops" (bf16: "bf16_gflops") of all
  /// cores, and "operations": {"operation", "layer", "aside", "calls", "us" (a step), "share" (of
  /// the step), "gflops", "peak" (share of that speed), "gigabytes_per_second"}; null = not known.
  Json report() const;

 private:
  Profile profile_;
  int64_t steps_ = 0;
};

/// The same as a table for people.
std::string profile_text(const Json& report);

}  // namespace elbo
