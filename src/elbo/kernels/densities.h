#pragma once

#include <limits>

#include "elbo/core/tensor.h"

// Densities that compute value and derivative in one pass over rows of floats on the CPU, and
// ATen's operations elsewhere, equal in value and gradient. Any tensors; differentiable twice.

namespace elbo::kernels {

/// [rows] sum over x l - softplus(l), where mask is not 0 (undefined = everywhere).
Tensor bernoulli_rows(const Tensor& logits, const Tensor& x, const Tensor& mask);

/// Two tensors of one shape with a batch axis, apart or as the halves of one along its second axis.
struct Halved {
  Tensor first, second;
  Tensor both;  // undefined where they are apart; else they are
};
/// Location and log scale. Halves of one: the scale's lies within low and high where it is read.
struct NormalParameters : Halved {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};
/// [rows] log density of x under a normal.
Tensor normal_rows(const Tensor& x, const NormalParameters& p, const Tensor& mask);
/// [rows] KL to the standard normal.
Tensor kl_standard(const NormalParameters& p);
/// loc + exp(log_scale) eps with eps standard normal.
Tensor sample_normal(const NormalParameters& p);

}  // namespace elbo::kernels
