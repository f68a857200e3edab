#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "elbo/core/api.h"

namespace ELBO_API elbo {

using torch::Tensor;
using Shape = std::vector<int64_t>;  // never with the batch axis

/// Elements of one row of this shape.
int64_t numel(const Shape& shape);
std::string to_string(const Shape& shape);
/// The shape with the batch axis in front.
Shape with_rows(int64_t rows, const Shape& shape);

/// Reshaped, unless it has that shape.
Tensor in_shape(const Tensor& x, torch::IntArrayRef shape);

/// Particles ride in the batch axis: [B, …] -> [S*B, …], S outermost. Undefined stays undefined.
Tensor tile(const Tensor& x, int64_t samples);
/// The only way to sum a density: masked, over every axis but the first -> [rows].
Tensor row_sum(const Tensor& per_component, const Tensor& mask = Tensor());
/// Value of `forward`, gradient of `backward`.
Tensor straight_through(const Tensor& forward, const Tensor& backward);

}  // namespace elbo
