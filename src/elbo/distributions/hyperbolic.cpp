#include "elbo/distributions/hyperbolic.h"

#include <cmath>

#include "elbo/core/constants.h"

namespace elbo {
namespace {

// Points keep this share of the radius from the edge, where float32 has no digits left.
constexpr double kMargin = 1e-5;

Tensor squared(const Tensor& x) { return x.square().sum(-1, true); }
// Its gradient at 0 is finite.
Tensor length(const Tensor& x) { return (squared(x) + 1e-24).sqrt(); }

// Möbius addition.
Tensor mobius(const Tensor& x, const Tensor& y, double c) {
  const auto xy = (x * y).sum(-1, true), xx = squared(x), yy = squared(y);
  return ((1 + 2 * c * xy + c * yy) * x + (1 - c * xx) * y) / (1 + 2 * c * xy + c * c * xx * yy);
}

// Pulled inside the margin.
Tensor inside(const Tensor& x, double c) {
  const double most = (1 - kMargin) / std::sqrt(c);
  return x * (most / length(x)).clamp_max(1);
}

// log(sinh(x) / x), x >= 0.
Tensor log_sinhc(const Tensor& x) {
  const auto safe = x.clamp_min(1e-3);
  const auto wide = safe + (-(-2 * safe).exp()).log1p() - (2 * safe).log();
  return torch::where(x < 1e-3, x * x / 6, wide);
}

}  // namespace

Tensor onto_ball(const Tensor& v, double c) {
  const auto r = std::sqrt(c) * length(v);
  return inside((0.5 * r).tanh() * v / r, c);
}

Tensor WrappedNormal::sample(torch::IntArrayRef prefix) const {
  const auto shape = draw_shape(prefix, broadcast_shape(centre, log_scale));
  const auto noise = torch::randn(shape, centre.options().requires_grad(false));
  const auto v = (log_scale.exp() * noise).to(torch::kFloat64);
  const auto x = mobius(centre.to(torch::kFloat64), onto_ball(v, curvature), curvature);
  return inside(x, curvature).to(centre.scalar_type());
}

Tensor WrappedNormal::log_prob(const Tensor& x) const {
  const double c = curvature, root = std::sqrt(c);
  const double d = static_cast<double>(centre.size(-1));
  const auto at = x.to(torch::kFloat64);
  const auto scale = log_scale.to(torch::kFloat64);
  const auto w = mobius(-centre.to(torch::kFloat64), at, c);
  const auto share = (root * length(w)).clamp_max(1 - 1e-12);
  const auto r = 2 * share.atanh() / root;  // hyperbolic distance from the centre
  const auto v = r * w / length(w);
  const auto normal = -0.5 * (v * (-scale).exp()).square() - scale - kHalfLogTwoPi;  // [..., d]
  const auto volume = (2 / (1 - c * squared(at)).clamp_min(1e-12)).log();            // [..., 1]
  const auto value = normal.sum(-1, true) - (d - 1) * log_sinhc(root * r) + d * volume;
  return value.squeeze(-1).to(x.scalar_type());
}

Dist checked::wrapped_normal(const Tensor& centre, const Tensor& scale, double curvature) {
  check_parameter("wrapped_normal", "centre", centre, false);
  check_parameter("wrapped_normal", "scale", scale, true);
  check(curvature > 0 && std::isfinite(curvature), "[wrapped_normal] curvature: found ", curvature,
        ", must be positive");
  const double far = centre.norm(2, -1).max().item<double>() * std::sqrt(curvature);
  check(far < 1, "[wrapped_normal] centre: found one at ", far, " of the radius, must be inside");
  return std::make_shared<WrappedNormal>(centre, scale, curvature);
}

}  // namespace elbo
