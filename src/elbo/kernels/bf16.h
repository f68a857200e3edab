#pragma once

#include "elbo/core/tensor.h"
#include "elbo/kernels/activation.h"

// bfloat16, the upper half of a float32, for products whose operands are rounded to it.

namespace elbo {

/// The 16 bits of each number of a bfloat16 tensor that lies densely.
uint16_t* halves_of_floats(const Tensor& t);
/// Uninitialised, dense, on the CPU.
Tensor empty_bf16(torch::IntArrayRef shape);

/// The nearest numbers, ties to even; NaN stays NaN. On one thread.
void narrow_to_bf16(const float* from, uint16_t* to, int64_t n);
/// The same numbers as float32. On one thread.
void widen_from_bf16(const uint16_t* from, float* to, int64_t n);

/// n numbers on several threads, and those of a tensor in the order in which they lie.
void to_bf16(const float* from, uint16_t* to, int64_t n);
Tensor as_bf16(const Tensor& dense);

/// activation_gradient() (pointwise.h) as bfloat16 numbers, row after row, from an output `a` in
/// float32 or bfloat16; column sums are of float32 numbers.
Tensor bf16_activation_gradient(Activation activation, const Tensor& grad, const Tensor& a,
                                int64_t m, int64_t n, float* db, bool add_db);

}  // namespace elbo
