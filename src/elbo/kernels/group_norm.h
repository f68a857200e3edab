#pragma once

#include "elbo/core/tensor.h"

// Group normalisation of pictures in two passes, so that its sums may come from parts of a picture.
// Any tensors; nothing here is differentiated by autograd.

namespace elbo::kernels {

/// [rows, groups, 2] float64: the sums of the values of each group of channels and of their
/// squares; x: [rows, channels, height, width].
Tensor group_sums(const Tensor& x, int64_t groups);

/// x * factor + offset, [rows, channels] each, then SiLU where asked for.
Tensor scale_channels(const Tensor& x, const Tensor& factor, const Tensor& offset, bool silu);

/// Whether the fused passes apply: dense channels-last pictures in float32 on the CPU.
bool is_dense_picture(const Tensor& x);

/// What the gradient of a normalisation needs beside x: its affine map, [rows, channels], and the
/// groups' [rows, groups] means and reciprocal deviations in float64.
struct Normalised {
  Tensor factor, offset, mean, rdeviation;
};
/// Both passes at once, a picture at a time, and SiLU where asked for; x: a dense picture.
struct NormResult {
  Tensor y;
  Normalised norm;
};
NormResult normalise_groups(const Tensor& x, const Tensor& weight, const Tensor& bias,
                            int64_t groups, double epsilon, bool silu);
/// Gradients of normalise_groups(). x, dy: dense pictures; dweight and dbias: [channels] float64.
struct NormGradients {
  Tensor dx, dweight, dbias;
};
NormGradients group_norm_gradients(const Tensor& x, const Tensor& dy, const Tensor& weight,
                                   const Normalised& norm, bool silu);

}  // namespace elbo::kernels
