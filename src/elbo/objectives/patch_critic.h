#pragma once

#include <vector>

#include "elbo/nn/convolution.h"

namespace elbo {

/// One logit for each patch of a picture that it is real (Isola et al. 2017, arXiv:1611.07004),
/// without normalisation over the batch.
class PatchCritic : public torch::nn::Module {
 public:
  /// `channels` of a picture; `widths`: of the layers, each at half the size of the one before.
  PatchCritic(int64_t channels, const std::vector<int64_t>& widths);
  /// x: [B, channels, H, W] in [0, 1] -> [B, 1, h, w].
  Tensor operator()(const Tensor& x) const;

 private:
  std::vector<std::shared_ptr<Convolution>> layers_;
};

}  // namespace elbo
