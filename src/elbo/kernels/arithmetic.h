#pragma once

#include <utility>

#include "elbo/core/tensor.h"

// Arithmetic that is a few operations of ATen's, in one pass and with one node of the graph. Any
// tensors; differentiable twice.

namespace elbo::kernels {

/// The two halves of h along its second axis, the second within [low, high]: a location and its
/// log scale.
std::pair<Tensor, Tensor> halves(const Tensor& h, double low, double high);

/// (x - loc) / scale; loc and scale: [1, …], one row. One pass where nothing is to be
/// differentiated.
Tensor standardise(const Tensor& x, const Tensor& loc, const Tensor& scale);

/// a + factor b; one pass where b has the shape of a or is one constant.
Tensor plus(const Tensor& a, const Tensor& b, double factor = 1);

/// The mean over all elements times a factor.
Tensor mean(const Tensor& x, double factor = 1);

}  // namespace elbo::kernels
