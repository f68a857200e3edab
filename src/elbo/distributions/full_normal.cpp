#include "elbo/distributions/full_normal.h"

#include <cmath>

#include "elbo/core/constants.h"
#include "elbo/distributions/continuous.h"

namespace elbo {
namespace {

Tensor batched_times(const Tensor& matrix, const Tensor& vector) {
  return matrix.matmul(vector.unsqueeze(-1)).squeeze(-1);
}

Tensor log_diagonal(const FullNormal& q) { return q.factor.diagonal(0, -2, -1).log(); }

// Per dimension given those before it, the chain rule's terms; they sum to the joint KL.
Tensor kl_normal(const FullNormal& q, const Normal& p) {
  const auto square = (q.loc - p.loc()).square() + q.factor.square().sum(-1);
  return 0.5 * (square * (-2 * p.log_scale()).exp() - 1) + p.log_scale() - log_diagonal(q);
}

Tensor kl_standard(const FullNormal& q, const StandardNormal&) {
  return 0.5 * (q.loc.square() + q.factor.square().sum(-1) - 1) - log_diagonal(q);
}

const bool full_normal_added =
    add_kl<FullNormal, Normal>(kl_normal) && add_kl<FullNormal, StandardNormal>(kl_standard);

}  // namespace

Tensor FullNormal::density_of_noise(const Tensor& noise) const {
  return (-0.5 * noise.square() - kHalfLogTwoPi - log_diagonal(*this)).sum(-1);
}

Tensor FullNormal::log_prob(const Tensor& x) const {
  const auto away = (x - loc).unsqueeze(-1);
  return density_of_noise(
      torch::linalg_solve_triangular(factor, away, false, true, false).squeeze(-1));
}

Tensor FullNormal::sample(torch::IntArrayRef prefix) const {
  return loc + batched_times(factor, torch::randn(draw_shape(prefix, loc.sizes()), loc.options()));
}

std::pair<Tensor, Tensor> FullNormal::sample_and_log_prob() const {
  const auto noise = torch::randn_like(loc);
  return {loc + batched_times(factor, noise), density_of_noise(noise)};
}

Dist checked::full_normal(const Tensor& loc, const Tensor& factor) {
  check_parameter("full_normal", "loc", loc, false);
  check_parameter("full_normal", "factor", factor, false);
  check_parameter("full_normal", "factor's diagonal", factor.diagonal(0, -2, -1), true);
  return std::make_shared<FullNormal>(loc, factor.tril());
}

}  // namespace elbo
