#pragma once

#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

/// Gated recurrent units (Cho et al. 2014, arXiv:1406.1078) over packed rows (packing.h). Gates
/// are reset, keep, fresh:
///   r = s(a_r + z_r + b_r), k = s(a_k + z_k + b_k), f = tanh(a_f + z_f + r b_f),
///   h' = f + k (h - f),  b = W h + bias
/// a: [size, 3H] of the inputs; z: [B, 3H] of each row, sorted, or undefined; h: [B, H] what each
/// row begins with, sorted; weight: [3H, H], bias: [3H]; rows: those that go on at each step
/// -> [size, H]. One pass with a backward of its own on the CPU in float32, ATen elsewhere.
Tensor gru(const Tensor& a, const Tensor& z, const Tensor& h, const Tensor& weight,
           const Tensor& bias, const std::vector<int64_t>& rows);

/// The fused pass, where this build and these tensors have it.
bool has_fast_gru(const Tensor& a, const Tensor& weight);
Tensor fast_gru(const Tensor& a, const Tensor& z, const Tensor& h, const Tensor& weight,
                const Tensor& bias, const std::vector<int64_t>& rows);
/// What every input would give by ATen alone.
Tensor plain_gru(const Tensor& a, const Tensor& z, const Tensor& h, const Tensor& weight,
                 const Tensor& bias, const std::vector<int64_t>& rows);

}  // namespace elbo
