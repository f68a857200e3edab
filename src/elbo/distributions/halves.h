#pragma once

#include <limits>
#include <utility>

#include "elbo/core/api.h"
#include "elbo/core/tensor.h"

namespace ELBO_API elbo {

/// Location and log scale: apart, or joined as a network gives them, the halves of one tensor along
/// its second axis; then the log scale lies within [low, high] where it is read.
struct Halves {
  Tensor loc, log_scale;  // undefined where they are joined
  Tensor joined;          // [rows, 2n, …]; undefined where they are apart
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

/// h: [rows, 2n, …] -> location and log scale within [low, high], [rows, n, …] each.
std::pair<Tensor, Tensor> halves(const Tensor& h, double low, double high);

}  // namespace elbo
