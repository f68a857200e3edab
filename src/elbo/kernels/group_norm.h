#pragma once

#include "elbo/core/tensor.h"

// Group normalisation of pictures in two passes, so that its sums may come from parts of a picture.
// Any tensors; nothing here is differentiated.

namespace elbo::kernels {

/// [rows, groups, 2] float64: the sums of the values of each group of channels and of their
/// squares; x: [rows, channels, height, width].
Tensor group_sums(const Tensor& x, int64_t groups);

/// x * factor + offset, [rows, channels] each, then SiLU where asked for.
Tensor scale_channels(const Tensor& x, const Tensor& factor, const Tensor& offset, bool silu);

}  // namespace elbo::kernels
