#pragma once

#include <array>
#include <cstdint>

#include "elbo/core/profile.h"
#include "elbo/nn/activation.h"

namespace elbo {

/// The three products of a convolution from `src` [rows, in, …] to `dst` [rows, out, …], both
/// channels-last float32, with plain weights [out, in, kh, kw]. A transposed convolution is the
/// second one. bf16: what is read of src and dst is bfloat16, what is written float32; weights are
/// float32 and rounded on the way into the layout of the library. With oneDNN only.
struct ImageProduct {
  int64_t rows, in, out;
  std::array<int64_t, 2> src, dst, kernel, stride, padding;
  bool bf16 = false;

  bool operator==(const ImageProduct&) const = default;
};
Work work_of(const ImageProduct& product);
void image_forward(const ImageProduct& product, const void* src, const float* weight,
                   const float* bias, Activation activation, float* dst);
void image_backward(const ImageProduct& product, const void* ddst, const float* weight,
                    float* dsrc);
/// dweight = or += the gradient.
void image_weights(const ImageProduct& product, const void* src, const void* ddst, float* dweight,
                   bool add);

}  // namespace elbo
