#pragma once

#include <cstdint>

namespace elbo {

/// While one lives, priors that draw by a chain of noise take so many of its steps on this thread,
/// without fresh noise on the way (DDIM: Song et al. 2021, arXiv:2010.02502).
class ChainSteps {
 public:
  /// 0 = all steps of the chain, each with its own noise.
  explicit ChainSteps(int64_t steps) : before_(steps_) { steps_ = steps; }
  ~ChainSteps() { steps_ = before_; }
  ChainSteps(const ChainSteps&) = delete;
  ChainSteps& operator=(const ChainSteps&) = delete;

  static int64_t steps() { return steps_; }

 private:
  static inline thread_local int64_t steps_ = 0;
  const int64_t before_;
};

inline constexpr char kSamplingStepsHelp[] =
    "steps in which a diffusion of codes draws, without fresh noise on the way (0 = all steps of "
    "its chain, with noise), e.g. 25";

}  // namespace elbo
