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

/// One step of n rows of width H, as the fused passes take it. All matrices are dense.
struct GruStep {
  int64_t n, width;
  const float* a;       // [n, 3H]
  const float* z;       // [n, 3H] or null
  const float* before;  // [n, H]
  float* gates;         // [n, 3H] in: b; out: r, k, b_f
  float* fresh;         // [n, H] out: f
  float* after;         // [n, H] out: h'
};
void gru_forward(const GruStep& step);

struct GruGradient {
  int64_t n, width;
  const float *gates, *fresh, *before;  // as gru_forward left them
  const float* after;                   // [n, H] gradient of h', but for what is carried
  float* a;                             // [n, 3H] out: of a (and z)
  float* b;                             // [n, 3H] out: of b
  float* carried;  // [n, H] in: gradient of h' by later steps; out: of h, but for what b brings
};
void gru_backward(const GruGradient& step);

}  // namespace elbo
