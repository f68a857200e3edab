#pragma once

#include "elbo/core/profile.h"
#include "elbo/kernels/choice.h"
#include "elbo/nn/activation.h"

namespace elbo {

/// c [m, n] = or += a b, then bias [n] and an activation: row-major float32 matrices, each
/// operand transposed on request (a is then stored [k, m], b [n, k]). With oneDNN only.
/// bf16: a and b are bfloat16 numbers, sums float32 ones; c is bfloat16 where `bf16_result` says
/// so.
struct Product {
  int64_t m, n, k;
  bool transpose_a = false, transpose_b = false;
  bool add = false;  // to what c holds
  bool bias = false;
  Activation activation = Activation::kNone;
  bool bf16 = false, bf16_result = false;

  bool operator==(const Product&) const = default;
};
void multiply(const Product& product, const void* a, const void* b, const float* bias, void* c);

/// Each operand must at least be read or written once.
Work work_of(const Product& product);

/// What a tensor holds, to be read or written by a product.
inline float* floats(const Tensor& t) { return t.data_ptr<float>(); }

/// Whether it is large enough for several threads.
bool is_parallel(const Product& product);

/// Whether the library applies this activation while it writes the product.
bool fuses(Activation activation);

}  // namespace elbo
