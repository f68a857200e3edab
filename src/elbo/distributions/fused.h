#pragma once

#include <limits>
#include <utility>

#include "elbo/core/tensor.h"

/// Densities that compute value and derivative in one pass: overrides of the readable forms,
/// equal to them in value and gradient. They take dense float32 rows on the CPU; the can_…
/// functions say whether they apply. Differentiable twice.
namespace elbo::fused {

/// [rows] sum over x l - softplus(l), where mask is not 0 (undefined = everywhere).
bool can_bernoulli(const Tensor& logits, const Tensor& x, const Tensor& mask);
Tensor bernoulli_rows(const Tensor& logits, const Tensor& x, const Tensor& mask);

/// Two tensors of one shape with a batch axis, apart or as the halves of one along its second axis.
struct Halved {
  Tensor first, second;
  Tensor both;  // undefined where they are apart; else they are
};
/// Location and log scale; where they are halves the scale's kernel bounds it by low and high.
struct NormalParameters : Halved {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};
/// Whether rows of parameters h can be taken as they are.
bool can_halve(const Tensor& h);
bool can_pair(const NormalParameters& p);
/// [rows] KL to the standard normal.
Tensor kl_standard(const NormalParameters& p);
/// loc + exp(log_scale) eps with eps standard normal.
Tensor sample_normal(const NormalParameters& p);

/// The two halves of h along its second axis, the second within [low, high]: a location and its
/// log scale. Any tensor; one pass where it can be.
std::pair<Tensor, Tensor> halves(const Tensor& h, double low, double high);

/// (x - loc) / scale; loc and scale: [1, …], one row. Any tensors; one pass where nothing is to be
/// differentiated.
Tensor standardise(const Tensor& x, const Tensor& loc, const Tensor& scale);

/// a + factor b. Any tensors; in one pass where b has the shape of a or is one constant.
Tensor plus(const Tensor& a, const Tensor& b, double factor = 1);

/// The mean over all elements times a factor. Any tensor.
Tensor mean(const Tensor& x, double factor = 1);

/// A log scale apart has the shape of loc or one element.
bool can_triple(const Tensor& x, const NormalParameters& p, const Tensor& mask);
/// [rows] log density of x under a normal.
Tensor normal_rows(const Tensor& x, const NormalParameters& p, const Tensor& mask);

}  // namespace elbo::fused
