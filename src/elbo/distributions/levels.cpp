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

/// Of channel c [..., 1, P], where those before it are y [..., C, P] on [-1, 1].
Tensor moved_centre(const Tensor& loc, const Tensor& coupling, const Tensor& y, int64_t c) {
  auto centre = loc.narrow(-2, c, 1);
  for (int64_t before = 0; before < c; ++before) {
    const auto by = coupling.narrow(-2, c * (c - 1) / 2 + before, 1);
    centre = centre + by * y.narrow(-2, before, 1);
  }
  return centre;
}

/// [..., C, P] in [0, 1]: f(centre, log_scale), where coupled one channel after the other.
template <class F>
Tensor levels_of(const Tensor& loc, const Tensor& log_scale, const Tensor& coupling, const F& f) {
  if (!coupling.defined()) return f(loc, log_scale);
  Tensor x, y;
  for (int64_t c = 0; c < loc.size(-2); ++c) {
    const auto next = f(moved_centre(loc, coupling, y, c), log_scale.narrow(-2, c, 1));
    x = x.defined() ? torch::cat({x, next}, -2) : next;
    y = 2 * x - 1;
  }
  return x;
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
  auto centres = loc;
  if (coupling.defined()) {
    std::vector<Tensor> all;
    const auto y = 2 * split(x) - 1;
    const auto each = broadcast_shape(loc.narrow(2, 0, 1), y.narrow(2, 0, 1));
    for (int64_t c = 0; c < channels; ++c) {
      all.push_back(moved_centre(loc, coupling, y, c).expand(each));
    }
    centres = torch::cat(all, -2);
  }
  auto each = log_mass(split(x), centres, log_scale);  // [B, K, C, P]
  if (mask.defined()) {
    if (coupling.defined() && channels > 1) {
      const auto seen = split(mask).to(torch::kBool);
      const auto below = seen.narrow(-2, 1, channels - 1), above = seen.narrow(-2, 0, channels - 1);
      check(!below.logical_and(above.logical_not()).any().item<bool>(),
            "[discretized_logistic] coupled: a channel is hidden before one that is seen; hide "
            "whole pixels");
    }
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
  auto pick = [&](const Tensor& t) {
    if (!t.defined()) return t;
    const auto all = draw_shape(prefix, t.sizes());
    auto one = all;
    one[one.size() - 3] = 1;
    return t.detach().expand(all).gather(-3, chosen.expand(one));
  };
  auto rows = draw_shape(prefix, {loc.size(0)});
  return levels_of(pick(loc), pick(log_scale), pick(coupling), draw_level)
      .reshape(draw_shape(rows, shape));
}

Tensor LogisticMixture::mean() const {
  auto weights = logits.softmax(1).unsqueeze(2);  // [B, K, 1, P]
  const auto means = levels_of(loc, log_scale, coupling, clipped_mean);
  return (weights * means).sum(1).reshape(with_rows(loc.size(0), shape));
}

Dist LogisticMixture::detached() const {
  return std::make_shared<LogisticMixture>(logits.detach(), loc.detach(), Log(log_scale.detach()),
                                           shape,
                                           coupling.defined() ? coupling.detach() : coupling);
}

Dist checked::discretized_logistic(const Tensor& loc, const Tensor& scale) {
  check_parameter("discretized_logistic", "loc", loc, false);
  check_parameter("discretized_logistic", "scale", scale, true);
  return std::make_shared<DiscretizedLogistic>(loc, scale);
}

}  // namespace elbo
