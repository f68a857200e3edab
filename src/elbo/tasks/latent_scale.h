#pragma once

#include "elbo/core/options.h"
#include "elbo/core/tensor.h"

namespace elbo {

/// From codes of an image autoencoder to the latents that a diffusion model reads, and back:
/// (z - shift) scale, or each channel by its mean and deviation; or 2x2 patches as channels, each
/// by its mean and variance.
class LatentScale {
 public:
  /// "latents" of a run's facts; null = as they are.
  explicit LatentScale(const Json& latents);
  /// z: [rows, channels, height, width].
  Tensor scaled(const Tensor& z) const;
  Tensor code(const Tensor& latents) const;
  /// By how much sides of latents are shorter than those of codes.
  int64_t patch() const { return patch_mean_.defined() ? 2 : 1; }

 private:
  double scale_ = 1, shift_ = 0;
  Tensor mean_, deviation_;              // [1, channels, 1, 1]; undefined = none
  Tensor patch_mean_, patch_deviation_;  // [1, 4 channels, 1, 1]
};

}  // namespace elbo
