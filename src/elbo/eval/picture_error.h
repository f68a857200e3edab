#pragma once

#include "elbo/core/tensor.h"

namespace elbo {

/// [n] each, of pictures [n, C, H, W] in [0, 1] and their reconstructions.
struct PictureError {
  Tensor squared;     // mean over pixels
  Tensor peak_ratio;  // decibels: 10 log10(1 / squared); infinite where equal
  Tensor similarity;  // structural similarity, window 11 of deviation 1.5 (Wang et al. 2004)
  Tensor multi_scale_similarity;
};
PictureError picture_error(const Tensor& x, const Tensor& y);

/// [n] mean squared difference of neighbouring pixels along both axes: how sharp a picture is.
Tensor gradient_energy(const Tensor& x);

}  // namespace elbo
