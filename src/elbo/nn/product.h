#pragma once

#include "elbo/kernels/choice.h"
#include "elbo/nn/activation.h"

namespace elbo {

/// c [m, n] = or += a b, then bias [n] and an activation: row-major float32 matrices, each
/// operand transposed on request (a is then stored [k, m], b [n, k]). With oneDNN only.
struct Product {
  int64_t m, n, k;
  bool transpose_a = false, transpose_b = false;
  bool add = false;  // to what c holds
  bool bias = false;
  Activation activation = Activation::kNone;

  bool operator==(const Product&) const = default;
};
void multiply(const Product& product, const float* a, const float* b, const float* bias, float* c);

/// What a tensor holds, to be read or written by a product.
inline float* floats(const Tensor& t) { return t.data_ptr<float>(); }

/// Whether it is large enough for several threads.
bool is_parallel(const Product& product);

/// Whether the library applies this activation while it writes the product.
bool fuses(Activation activation);

}  // namespace elbo
