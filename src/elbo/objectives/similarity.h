#pragma once

#include "elbo/core/tensor.h"

namespace elbo {

/// Weighted means of images [B, C, H, W] over the windows [n] x [n] that lie inside: one pass along
/// each axis.
Tensor blur(const Tensor& x, const Tensor& window);
/// [B] structural similarity of images [B, C, H, W] in [0, 1] at up to five scales (Wang et al.
/// 2003), 1 where equal. Scales at which the window of 11 does not fit are left out and their
/// weights shared; images smaller than the window shrink it.
Tensor ms_ssim(const Tensor& x, const Tensor& y);
/// [B] the same at one scale, the product of all three terms (Wang et al. 2004).
Tensor ssim(const Tensor& x, const Tensor& y);

}  // namespace elbo
