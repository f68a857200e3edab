#pragma once

#include "elbo/core/tensor.h"

namespace elbo::exact {

/// Rows of numbers as whole numbers below 2^bits and a power of two each, both float64: x is about
/// whole * unit, to 2^-bits of the row's largest number.
struct FixedPoint {
  Tensor whole, unit;  // [N, K], [N, 1]
};
/// x: [N, K] of any type. Raises an Error where a number is not finite.
FixedPoint fixed_point(const Tensor& x, int bits);

/// How many bits two factors may have so that sums of so many products are exact in float64.
struct FactorBits {
  int left, right;
};
FactorBits factor_bits(int64_t terms);

/// [N] sums over the rows of x [N, K], float64, in any order the same.
Tensor row_sums(const Tensor& x);

}  // namespace elbo::exact
