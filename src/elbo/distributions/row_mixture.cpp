#include "elbo/distributions/row_mixture.h"

#include <cmath>

#include "elbo/core/constants.h"

namespace elbo {

Tensor RowMixture::log_prob(const Tensor& x) const {
  const int64_t axis = x.dim() - (loc.dim() - 2);  // of the components, behind a prefix and rows
  const auto z = (x.unsqueeze(axis) - loc) * (-log_scale).exp();
  const auto each = (-0.5 * z.square() - log_scale - kHalfLogTwoPi).flatten(axis + 1).sum(-1);
  return each.logsumexp(-1) - std::log(static_cast<double>(loc.size(1)));
}

Tensor RowMixture::sample(torch::IntArrayRef prefix) const {
  auto one = loc.sizes().vec();
  one.erase(one.begin() + 1);
  const auto shape = draw_shape(prefix, one);
  const int64_t rows = loc.size(0), components = loc.size(1);
  const int64_t draws = numel(shape) / numel(one);
  const auto chosen =
      torch::randint(components, {draws * rows}, torch::dtype(torch::kInt64).device(loc.device()));
  const auto places =
      torch::arange(rows, chosen.options()).mul(components).repeat({draws}).add(chosen);
  const auto pick = [&](const Tensor& t) {
    return t.flatten(0, 1).index_select(0, places).view(shape);
  };
  return pick(loc) + pick(log_scale).exp() * torch::randn(shape, loc.options());
}

Tensor RowMixture::stddev() const {
  const auto spread = (loc - mean().unsqueeze(1)).square() + (2 * log_scale).exp();
  return spread.mean(1).sqrt();
}

Dist checked::row_mixture(const Tensor& loc, const Tensor& scale) {
  check(loc.dim() >= 3 && loc.sizes() == scale.sizes(), "[row_mixture] loc: found shape ",
        to_string(Shape(loc.sizes().vec())), " and scale of ",
        to_string(Shape(scale.sizes().vec())), ", expected rows x components x numbers in both");
  check_parameter("row_mixture", "loc", loc, false);
  check_parameter("row_mixture", "scale", scale, true);
  return std::make_shared<RowMixture>(loc, scale);
}

}  // namespace elbo
