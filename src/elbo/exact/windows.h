#pragma once

#include <array>

#include "elbo/exact/fixed_point.h"

namespace elbo::exact {

/// A convolution over pictures, each pair (height, width).
struct Windows {
  Shape rows, kernel;  // [N, C, H, W], [O, C, kh, kw]
  std::array<int64_t, 2> stride, padding;
};

/// [N, O, height, width] sums over windows, float64: x [N, C * H * W] and weight [1, O * C * kh *
/// kw] as whole numbers, bias [O] or undefined. A product of matrices for many rows at once.
Tensor window_sums(const Windows& plan, const FixedPoint& x, const FixedPoint& weight,
                   const Tensor& bias);

}  // namespace elbo::exact
