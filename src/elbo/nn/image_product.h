#pragma once

#include <array>
#include <cstdint>

#include "elbo/nn/activation.h"

namespace elbo {

/// The three products of a convolution from `src` [rows, in, …] to `dst` [rows, out, …], both
/// channels-last float32, with plain weights [out, in, kh, kw]. A transposed convolution is the
/// second one. With oneDNN only.
struct ImageProduct {
  int64_t rows, in, out;
  std::array<int64_t, 2> src, dst, kernel, stride, padding;

  bool operator==(const ImageProduct&) const = default;
};
void image_forward(const ImageProduct& product, const float* src, const float* weight,
                   const float* bias, Activation activation, float* dst);
void image_backward(const ImageProduct& product, const float* ddst, const float* weight,
                    float* dsrc);
/// dweight = or += the gradient.
void image_weights(const ImageProduct& product, const float* src, const float* ddst, float* dweight,
                   bool add);

}  // namespace elbo
