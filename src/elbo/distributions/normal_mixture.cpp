#include "elbo/distributions/normal_mixture.h"

#include <cmath>

#include "elbo/core/constants.h"

namespace elbo {

Tensor NormalMixture::log_prob(const Tensor& x) const {
  // -(x - m)² / 2s² written out is linear in (x², x). Around the components' centre the numbers
  // stay small, so that little cancels.
  const auto centre = loc.mean(0).detach();
  const auto m = loc - centre, y = x - centre;
  const auto precision = (-2 * log_scale).exp();
  const auto weight = torch::cat({-0.5 * precision, m * precision}, 1);  // [K, 2d]
  const auto each = 0.5 * m.square() * precision + log_scale + kHalfLogTwoPi;
  const auto shares = logits.log_softmax(-1);
  const auto bias = shares - each.sum(1);  // [K]
  const auto joint = torch::linear(torch::cat({y.square(), y}, -1), weight, bias);
  if (!left_out.defined()) return joint.logsumexp(-1);
  check(x.dim() == 2 && left_out.size(0) == x.size(0), "[normal mixture] left_out: found ",
        left_out.numel(), " for x of ", to_string(x.sizes().vec()));
  const auto others = torch::arange(joint.size(-1), left_out.options()) != left_out.unsqueeze(1);
  const auto without = joint.masked_fill(others.logical_not(), -INFINITY);
  // What is left has a total share below one.
  return without.logsumexp(-1) - (shares.exp() * others).sum(-1).log();
}

Tensor NormalMixture::sample(torch::IntArrayRef prefix) const {
  const auto shape = draw_shape(prefix, loc.sizes().slice(1));
  const auto chosen =
      torch::multinomial(logits.detach().softmax(-1), numel(shape) / shape.back(), true);
  const auto pick = [&](const Tensor& t) { return t.index_select(0, chosen).view(shape); };
  return pick(loc) + pick(log_scale).exp() * torch::randn(shape, loc.options());
}

Tensor NormalMixture::mean() const { return (logits.softmax(-1).unsqueeze(1) * loc).sum(0); }

Tensor NormalMixture::stddev() const {
  const auto spread = (loc - mean()).square() + (2 * log_scale).exp();
  return (logits.softmax(-1).unsqueeze(1) * spread).sum(0).sqrt();
}

}  // namespace elbo
