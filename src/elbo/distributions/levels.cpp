#include <cmath>

#include "elbo/distributions/discrete.h"

namespace elbo {
namespace {

constexpr double kHalfLevel = 1.0 / 255;  // levels lie 2/255 apart on [-1, 1]
constexpr double kLowestLogScale = -7;

// Log mass of x's level. With a, b the upper and lower edge in units of the scale,
// S(a) - S(b) = S(a) S(-b) (1 - exp(b - a)), which has no difference of nearly equal numbers.
Tensor log_mass(const Tensor& x, const Tensor& loc, const Tensor& log_scale) {
  auto inverse = (-log_scale.clamp_min(kLowestLogScale)).exp();
  auto centre = (2 * x - 1 - loc) * inverse, half = kHalfLevel * inverse;
  auto below_upper = at::log_sigmoid(centre + half), above_lower = at::log_sigmoid(half - centre);
  auto inner = below_upper + above_lower + (-(-2 * half).expm1()).log();
  auto lowest = x<0.5 / 255, highest = x> 1 - 0.5 / 255;
  return torch::where(lowest, below_upper, torch::where(highest, above_lower, inner));
}

Tensor draw_level(const Tensor& loc, const Tensor& log_scale) {
  auto u = open_uniform(broadcast_shape(loc, log_scale), loc.options().requires_grad(false));
  auto y =
      loc.detach() + log_scale.detach().clamp_min(kLowestLogScale).exp() * (u.log() - (-u).log1p());
  return ((y + 1) * 127.5).round().clamp(0, 255) / 255;
}

// Mean of a logistic clipped to [-1, 1], as a number in [0, 1]: that of the levels up to rounding.
Tensor clipped_mean(const Tensor& loc, const Tensor& log_scale) {
  auto scale = log_scale.clamp_min(kLowestLogScale).exp();
  auto share_above = at::log_sigmoid((1 - loc) / scale) - at::log_sigmoid((-1 - loc) / scale);
  return 0.5 * scale * share_above;
}

}  // namespace

Tensor DiscretizedLogistic::log_prob(const Tensor& x) const { return log_mass(x, loc, log_scale); }
Tensor DiscretizedLogistic::sample(torch::IntArrayRef prefix) const {
  return draw_level(loc.expand(draw_shape(prefix, broadcast_shape(loc, log_scale))), log_scale);
}
Tensor DiscretizedLogistic::mean() const { return clipped_mean(loc, log_scale); }

Tensor LogisticMixture::masked_log_prob(const Tensor& x, const Tensor& mask) const {
  const int64_t channels = loc.size(-2), sites = loc.size(-1);
  auto split = [&](const Tensor& t) { return t.reshape({t.size(0), 1, channels, sites}); };
  auto each = log_mass(split(x), loc, log_scale);  // [B, K, C, P]
  if (mask.defined()) {
    each = torch::where(split(mask).to(torch::kBool), each, torch::zeros({}, each.options()));
  }
  return (each.sum(2) + logits.log_softmax(1)).logsumexp(1);
}

Tensor LogisticMixture::row_log_prob(const Tensor& x, const Tensor& mask) const {
  return row_sum(masked_log_prob(x, mask));
}

Tensor LogisticMixture::sample(torch::IntArrayRef prefix) const {
  auto u = open_uniform(draw_shape(prefix, logits.sizes()), logits.options().requires_grad(false));
  auto chosen = (logits.detach() - (-u.log()).log()).argmax(-2, true).unsqueeze(-2);
  auto full = draw_shape(prefix, loc.sizes());
  auto one = full;
  one[one.size() - 3] = 1;
  auto index = chosen.expand(one);
  auto pick = [&](const Tensor& t) { return t.detach().expand(full).gather(-3, index); };
  auto rows = draw_shape(prefix, {loc.size(0)});
  return draw_level(pick(loc), pick(log_scale)).reshape(draw_shape(rows, shape));
}

Tensor LogisticMixture::mean() const {
  auto weights = logits.softmax(1).unsqueeze(2);  // [B, K, 1, P]
  return (weights * clipped_mean(loc, log_scale)).sum(1).reshape(with_rows(loc.size(0), shape));
}

Dist LogisticMixture::detached() const {
  return std::make_shared<LogisticMixture>(logits.detach(), loc.detach(), Log(log_scale.detach()),
                                           shape);
}

Dist checked::discretized_logistic(const Tensor& loc, const Tensor& scale) {
  check_parameter("discretized_logistic", "loc", loc, false);
  check_parameter("discretized_logistic", "scale", scale, true);
  return std::make_shared<DiscretizedLogistic>(loc, scale);
}

}  // namespace elbo
