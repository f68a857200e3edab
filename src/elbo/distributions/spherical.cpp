#include "elbo/distributions/spherical.h"

#include <cmath>

namespace elbo {
namespace {

constexpr double kLargeOrder = 50;  // from here on Debye's expansion is good to ten digits

double log_area(int64_t m) {
  const double half = 0.5 * static_cast<double>(m);
  return std::log(2) + half * std::log(M_PI) - std::lgamma(half);
}

// Debye's expansion of log I_n(kappa) for large n, uniform in kappa (Abramowitz & Stegun 9.7.7).
Tensor log_bessel_large(double n, const Tensor& kappa) {
  const auto z = kappa / n;
  const auto root = (1 + z * z).sqrt();
  const auto t = 1 / root, s = t * t;
  const auto u1 = t * (3 - 5 * s) / 24;
  const auto u2 = s * (81 + s * (-462 + 385 * s)) / 1152;
  const auto u3 = t * s * (30375 + s * (-369603 + s * (765765 - 425425 * s))) / 414720;
  const auto u4 = s * s *
                  (4465125 + s * (-94121676 + s * (349922430 + s * (-446185740 + 185910725 * s)))) /
                  39813120;
  const auto series = u1 / n + u2 / (n * n) + u3 / (n * n * n) + u4 / (n * n * n * n);
  return n * (root + (z / (1 + root)).log()) - 0.5 * std::log(2 * M_PI * n) - 0.5 * root.log() +
         series.log1p();
}

struct Bessel {
  Tensor log_value, ratio;
};

// Down from a large order: I_{k+1}/I_k = 1 / (2(k+1)/kappa + I_{k+2}/I_{k+1}).
Bessel bessel(double v, const Tensor& kappa) {
  torch::NoGradGuard no_gradient;
  const auto x = kappa.to(torch::kFloat64);
  const double above = std::max(0.0, std::ceil(kLargeOrder - v));
  auto log_value = log_bessel_large(v + above, x);
  auto ratio = (log_bessel_large(v + above + 1, x) - log_value).exp();
  for (double k = v + above - 1; k >= v - 1e-9; --k) {
    ratio = 1 / (2 * (k + 1) / x + ratio);
    log_value = log_value - ratio.log();
  }
  return {log_value, ratio};
}

double order(const VonMisesFisher& q) {
  return 0.5 * static_cast<double>(q.direction.size(-1)) - 1;
}

// value with the given derivative in x: autograd sees a line.
Tensor with_slope(const Tensor& value, const Tensor& slope, const Tensor& x) {
  return value + slope * (x - x.detach());
}

// log of the density's constant, plus kappa: [..., 1] float64. Its derivative is 1 - ratio.
Tensor log_normalizer(const VonMisesFisher& q) {
  const double v = order(q);
  const auto kappa = q.kappa.to(torch::kFloat64), k = kappa.detach();
  const auto b = bessel(v, k);
  const auto value = v * k.log() - (v + 1) * std::log(2 * M_PI) - b.log_value + k;
  return with_slope(value, 1 - b.ratio, kappa);
}

// KL to the uniform: kappa A + log C + log area; derivative kappa A'.
Tensor kl_to_sphere(const VonMisesFisher& q, const UniformSphere& p) {
  const double v = order(q);
  const auto kappa = q.kappa.to(torch::kFloat64), k = kappa.detach();
  const auto b = bessel(v, k);
  const auto value =
      k * b.ratio + v * k.log() - (v + 1) * std::log(2 * M_PI) - b.log_value + log_area(p.m);
  const auto slope = k * (1 - b.ratio.square()) - (2 * v + 1) * b.ratio;
  return with_slope(value, slope, kappa).to(q.kappa.scalar_type());
}

const bool spherical_added = add_kl<VonMisesFisher, UniformSphere>(kl_to_sphere);

// The angle to the direction, by Wood's rejection of its cosine (1994). kappa: [...] float64.
Tensor draw_angle(const Tensor& kappa, double m) {
  const double d = m - 1;
  const auto root = (4 * kappa * kappa + d * d).sqrt();
  const auto b = d / (2 * kappa + root), a = (d + 2 * kappa + root) / 4;
  const auto c = 4 * a * b / (1 + b) - d * std::log(d);
  auto versine = torch::zeros_like(kappa);  // 1 - cosine
  auto open = torch::ones_like(kappa, torch::kBool);
  const auto half = torch::full_like(kappa, d / 2);
  while (open.any().item<bool>()) {
    const auto g1 = at::_standard_gamma(half), g2 = at::_standard_gamma(half);
    const auto e = g1 / (g1 + g2).clamp_min(1e-300);
    const auto t = 2 * a * b / (1 - (1 - b) * e);
    const auto accepted = d * t.log() - t + c >= (1 - torch::rand_like(kappa)).log();
    versine = torch::where(open.logical_and(accepted), 2 * b * e / (1 - (1 - b) * e), versine);
    open = open.logical_and(accepted.logical_not());
  }
  return 2 * (0.5 * versine).clamp(0, 1).sqrt().asin();
}

// d angle / d kappa at a fixed quantile: minus the integral of (cos s - A) q(s) from 0 to the
// angle, over q(angle), where q(s) is proportional to sin(s)^(m-2) exp(kappa cos s). The integral
// over all of s is 0, so that either side may be taken: the one without the bulk.
Tensor angle_slope(const Tensor& angle, const Tensor& kappa, double m) {
  constexpr int64_t kPieces = 64;  // of Simpson's rule
  const auto ratio = bessel(0.5 * m - 1, kappa).ratio;
  const auto low = angle.cos() > ratio;
  const auto reach = 12 * kappa.clamp_min(std::max(1.0, m - 2)).rsqrt();
  const auto end = torch::where(low, torch::zeros_like(angle), (angle + reach).clamp_max(M_PI));
  const auto u = torch::linspace(0, 1, kPieces + 1, angle.options());
  auto weight = 3 - torch::cos(M_PI * torch::arange(kPieces + 1, angle.options()));  // 2, 4, 2, …
  weight[0] = weight[kPieces] = 1;
  const auto s = angle.unsqueeze(-1) + (end - angle).unsqueeze(-1) * u;
  const auto log_q = [&](const Tensor& x, const Tensor& k) {
    return (m - 2) * x.sin().clamp_min(1e-300).log() + k * x.cos();
  };
  const auto k = kappa.unsqueeze(-1);
  const auto density = (log_q(s, k) - log_q(angle.unsqueeze(-1), k)).exp();
  const auto integrand = (s.cos() - ratio.unsqueeze(-1)) * density;
  // From the angle to the end: minus the lower side, or the upper one; either way the slope.
  return (integrand * weight).sum(-1) * (end - angle) / (3.0 * kPieces);
}

Tensor unit(const Tensor& x) { return x / x.norm(2, -1, true).clamp_min(1e-12); }

}  // namespace

Tensor log_bessel(double v, const Tensor& kappa) { return bessel(v, kappa).log_value; }
Tensor bessel_ratio(double v, const Tensor& kappa) { return bessel(v, kappa).ratio; }

Tensor UniformSphere::log_prob(const Tensor& x) const {
  return torch::full(x.sizes().slice(0, x.dim() - 1), -log_area(m), x.options());
}

Tensor UniformSphere::sample(torch::IntArrayRef prefix) const {
  return unit(torch::randn(draw_shape(prefix, {m}), options));
}

Tensor VonMisesFisher::log_prob(const Tensor& x) const {
  // kappa (direction'x - 1) as half a squared distance keeps its digits where kappa is large.
  const auto away = (direction - x).to(torch::kFloat64).square().sum(-1, true);
  const auto value = log_normalizer(*this) - 0.5 * kappa.to(torch::kFloat64) * away;
  return value.squeeze(-1).to(x.scalar_type());
}

Tensor VonMisesFisher::sample(torch::IntArrayRef prefix) const {
  const auto shape = draw_shape(prefix, direction.sizes());
  const auto m = static_cast<double>(shape.back());
  const Shape lead(shape.begin(), shape.end() - 1);
  Tensor angle, slope;
  {
    torch::NoGradGuard no_gradient;
    const auto k = kappa.squeeze(-1).to(torch::kFloat64).expand(lead).contiguous();
    angle = draw_angle(k, m);
    slope = kappa.requires_grad() ? angle_slope(angle, k, m) : torch::zeros_like(angle);
  }
  const auto type = direction.scalar_type();
  const auto theta = with_slope(angle.unsqueeze(-1).to(type), slope.unsqueeze(-1).to(type), kappa);
  // A direction at a right angle to the mean one, uniform among those.
  const auto g = torch::randn(shape, direction.options().requires_grad(false));
  const auto aside = unit(g - (g * direction).sum(-1, true) * direction);
  return theta.cos() * direction + theta.sin() * aside;
}

Dist checked::von_mises_fisher(const Tensor& direction, const Tensor& kappa) {
  check_parameter("von_mises_fisher", "direction", direction, false);
  check_parameter("von_mises_fisher", "kappa", kappa, true);
  const double off = (direction.norm(2, -1) - 1).abs().max().item<double>();
  check(off < 1e-3, "[von_mises_fisher] direction: its length is off by ", off, ", must be 1");
  check(direction.size(-1) >= 2, "[von_mises_fisher] direction: found 1 dimension, at least 2");
  return std::make_shared<VonMisesFisher>(direction, kappa);
}

}  // namespace elbo
