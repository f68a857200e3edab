#include <doctest/doctest.h>
#include <torch/autograd.h>

#include <cmath>

#include "elbo/distributions/continuous.h"
#include "elbo/distributions/full_normal.h"
#include "elbo/distributions/hyperbolic.h"
#include "elbo/distributions/relaxed.h"
#include "elbo/distributions/spherical.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

constexpr auto kDouble = torch::kFloat64;

Tensor doubles(std::vector<double> v) { return torch::tensor(v, kDouble); }

/// The angle between 0 and pi of a von Mises-Fisher in m dimensions: log density at s, normalised
/// on a grid.
struct AngleGrid {
  Tensor s, log_weight, weight;  // weight: probability of each cell
  AngleGrid(int64_t m, double kappa) {
    const int64_t n = 20000;
    s = (torch::arange(n, kDouble) + 0.5) * (M_PI / static_cast<double>(n));
    const auto log_q = static_cast<double>(m - 2) * s.sin().log() + kappa * s.cos();
    log_weight = log_q.log_softmax(0);
    weight = log_weight.exp();
  }
};

const std::vector<std::pair<int64_t, double>>& spheres() {
  static const std::vector<std::pair<int64_t, double>> cases = {
      {2, 0.5}, {2, 30}, {3, 1}, {3, 500}, {5, 10}, {11, 1}, {11, 60}, {40, 100}, {200, 300}};
  return cases;
}

Dist fisher(int64_t m, const Tensor& kappa, int64_t rows = 1) {
  auto direction = torch::randn({rows, m}, kDouble);
  direction = direction / direction.norm(2, 1, true);
  return std::make_shared<VonMisesFisher>(direction, kappa.expand({rows, 1}));
}

TEST_CASE("log Bessel functions agree with the standard library's") {
  for (const double v : {0.0, 0.5, 1.0, 4.5, 19.0, 60.0, 99.0}) {
    for (const double x : {0.01, 0.5, 3.0, 20.0, 90.0, 400.0}) {
      const double reference = std::cyl_bessel_i(v, x);
      if (!(reference > 1e-290 && reference < 1e290)) continue;
      CAPTURE(v);
      CAPTURE(x);
      CHECK_CLOSE(log_bessel(v, doubles({x})), doubles({std::log(reference)}), kBessel);
      const double next = std::cyl_bessel_i(v + 1, x);
      if (next < 1e-290) continue;
      CHECK_CLOSE(bessel_ratio(v, doubles({x})), doubles({next / reference}), kBessel);
    }
  }
  CHECK(log_bessel(4.5, doubles({1e5})).isfinite().item<bool>());
}

TEST_CASE("the von Mises-Fisher density integrates to 1 over the sphere") {
  for (const auto& [m, kappa] : spheres()) {
    CAPTURE(m);
    CAPTURE(kappa);
    // Rings at the angle s have the area of a sphere of one dimension less, times sin(s)^(m-2).
    const int64_t n = 20000;
    const auto s = (torch::arange(n, kDouble) + 0.5) * (M_PI / n);
    auto x = torch::zeros({n, m}, kDouble), direction = torch::zeros({1, m}, kDouble);
    x.select(1, 0).copy_(s.cos());
    x.select(1, 1).copy_(s.sin());
    direction[0][0] = 1;
    const VonMisesFisher q(direction, doubles({kappa}).view({1, 1}));
    const double half = 0.5 * static_cast<double>(m - 1);
    const double log_ring = std::log(2) + half * std::log(M_PI) - std::lgamma(half);
    const auto log_mass = q.log_prob(x) + static_cast<double>(m - 2) * s.sin().log() + log_ring;
    CHECK_CLOSE(log_mass.exp().sum().item<double>() * M_PI / n, 1.0, kIntegral);
    const UniformSphere u(m, kDouble);
    const auto uniform = u.log_prob(x) + static_cast<double>(m - 2) * s.sin().log() + log_ring;
    CHECK_CLOSE(uniform.exp().sum().item<double>() * M_PI / n, 1.0, kIntegral);
  }
}

TEST_CASE("the KL of von Mises-Fisher to uniform is that of numerical integration") {
  for (const auto& [m, kappa] : spheres()) {
    CAPTURE(m);
    CAPTURE(kappa);
    const AngleGrid grid(m, kappa), flat(m, 0);
    const auto expected = (grid.weight * (grid.log_weight - flat.log_weight)).sum();
    auto k = doubles({kappa}).view({1, 1}).requires_grad_();
    const auto q = fisher(m, k);
    const auto value = kl(*q, UniformSphere(m, kDouble));
    REQUIRE(value.has_value());
    CHECK_CLOSE(*value, expected.view({1}), kIntegral);
    // Its derivative: kappa times the variance of the cosine.
    const auto mean = (grid.weight * grid.s.cos()).sum();
    const auto variance = (grid.weight * (grid.s.cos() - mean).square()).sum();
    const auto slope = torch::autograd::grad({value->sum()}, {k})[0];
    CHECK_CLOSE(slope.squeeze(), kappa * variance, kIntegral);
  }
}

TEST_CASE("draws of von Mises-Fisher have the length of mean and its slope in kappa") {
  const int64_t n = 10000;
  for (const auto& [m, kappa] : spheres()) {
    CAPTURE(m);
    CAPTURE(kappa);
    auto k = torch::full({n, 1}, kappa, kDouble).requires_grad_();
    auto direction = torch::zeros({n, m}, kDouble);
    direction.select(1, m - 1).fill_(1);
    const auto x = VonMisesFisher(direction, k).sample();
    CHECK_CLOSE(x.norm(2, 1), torch::ones({n}, kDouble), kGoldenDouble);
    const auto cosine = x.select(1, m - 1);
    const double ratio =
        bessel_ratio(0.5 * static_cast<double>(m) - 1, doubles({kappa})).item<double>();
    const auto error = [&](const Tensor& t) { return t.std().item<double>() / std::sqrt(n); };
    CHECK(std::abs(cosine.mean().item<double>() - ratio) < kStandardErrors * error(cosine));
    const AngleGrid grid(m, kappa);
    const auto variance = (grid.weight * (grid.s.cos() - ratio).square()).sum().item<double>();
    const auto slopes = torch::autograd::grad({cosine.sum()}, {k})[0].squeeze(1);
    CHECK(std::abs(slopes.mean().item<double>() - variance) < kStandardErrors * error(slopes));
    // Around the direction nothing is preferred.
    const auto aside = x.slice(1, 0, 1).mean().item<double>();
    CHECK(std::abs(aside) < kStandardErrors * error(x.slice(1, 0, 1)));
  }
}

TEST_CASE("von Mises-Fisher's density in float32 keeps its digits at high concentration") {
  auto direction = torch::randn({100, 8}, kDouble);
  direction = direction / direction.norm(2, 1, true);
  const auto k = torch::full({100, 1}, 2000.0, kDouble);
  const auto x = VonMisesFisher(direction, k).sample();
  const auto wide = VonMisesFisher(direction, k).log_prob(x);
  const auto narrow = VonMisesFisher(direction.to(torch::kFloat), k.to(torch::kFloat))
                          .log_prob(x.to(torch::kFloat));
  CHECK_CLOSE(narrow, wide, kFloatSums);
}

TEST_CASE("a wrapped normal integrates to 1 over the disc, and its draws have its density") {
  for (const double c : {0.5, 2.0}) {
    for (const double far : {0.0, 0.8}) {
      CAPTURE(c);
      CAPTURE(far);
      const double radius = 1 / std::sqrt(c);
      const auto centre = doubles({far * radius, 0.1 * radius}).view({1, 2});
      const auto q = WrappedNormal(centre, Log(doubles({-0.7, -1.2}).view({1, 2})), c);
      const int64_t n = 1000, m = 300;
      // In polar coordinates, radius by the hyperbolic distance, where the edge is far away.
      const auto rho = (torch::arange(n, kDouble) + 0.5) * (12.0 / n);
      const auto phi = (torch::arange(m, kDouble) + 0.5) * (2 * M_PI / m);
      const auto r = (0.5 * rho).tanh() * radius;
      const auto jacobian = r * radius * 0.5 / (0.5 * rho).cosh().square();
      const auto grid = torch::stack({r.unsqueeze(1) * phi.cos(), r.unsqueeze(1) * phi.sin()}, 2);
      const auto p = q.log_prob(grid.view({-1, 2})).exp().view({n, m}) * jacobian.unsqueeze(1);
      const double cell = 12.0 / n * 2 * M_PI / m;
      CHECK_CLOSE(p.sum().item<double>() * cell, 1.0, kIntegral);
      const auto expected = (p.unsqueeze(2) * grid).sum(torch::IntArrayRef{0, 1}) * cell;
      const auto x = q.sample({20000}).squeeze(1);
      const auto error = x.std(0) / std::sqrt(20000.0);
      CHECK(((x.mean(0) - expected).abs() / error).max().item<double>() < kStandardErrors);
    }
  }
}

TEST_CASE("a full normal is the normal of its covariance") {
  const auto loc = torch::randn({3, 4}, kDouble);
  auto factor = torch::randn({3, 4, 4}, kDouble).tril(-1);
  factor = factor + torch::diag_embed(torch::rand({3, 4}, kDouble) + 0.3);
  const FullNormal q(loc, factor);
  const auto x = torch::randn({3, 4}, kDouble);
  const auto covariance = factor.matmul(factor.transpose(1, 2));
  const auto away = (x - loc).unsqueeze(2);
  const auto square = away.transpose(1, 2).matmul(torch::linalg_inv(covariance)).matmul(away);
  const auto expected = -0.5 * (square.view({3}) + torch::logdet(2 * M_PI * covariance));
  CHECK_CLOSE(q.log_prob(x), expected, kGoldenDouble);
  const auto [z, log_q] = q.sample_and_log_prob();
  CHECK_CLOSE(q.log_prob(z), log_q, kGoldenDouble);
  CHECK_CLOSE(q.stddev().square(), covariance.diagonal(0, 1, 2), kGoldenDouble);
  const auto draws = q.sample({40000}) - loc;
  const auto found = draws.unsqueeze(3).matmul(draws.unsqueeze(2));  // [n, 3, 4, 4]
  const auto error = found.std(0) / std::sqrt(40000.0);
  CHECK(((found.mean(0) - covariance).abs() / error).max().item<double>() < kStandardErrors);
}

TEST_CASE("a relaxed one-hot integrates to 1 and hardens to its classes") {
  const auto logits = doubles({0.3, -0.9}).view({1, 1, 2});
  for (const double temperature : {0.4, 0.67, 1.5}) {
    const RelaxedOneHot q(logits, temperature);
    // The density of the first of two shares, on a grid of its log odds.
    const auto odds = (torch::arange(120000, kDouble) + 0.5) / 1000 - 60;
    const auto share = odds.sigmoid(), rest = (-odds).sigmoid();
    const auto x = torch::stack({share, rest}, 1);
    const auto mass = q.log_prob(x).squeeze(1).exp() * share * rest / 1000;
    CHECK_CLOSE(mass.sum().item<double>(), 1.0, kIntegral);
    // The larger share is the drawn class: its chance does not depend on the temperature.
    const auto first = (q.sample({40000}).view({-1, 2}).select(1, 0) > 0.5).to(kDouble);
    const double p = logits.softmax(-1).flatten()[0].item<double>();
    const double error = std::sqrt(p * (1 - p) / 40000);
    CHECK(std::abs(first.mean().item<double>() - p) < kStandardErrors * error);
  }
}

TEST_CASE("straight-through draws are one-hot and carry the soft draw's gradient") {
  const auto logits = torch::randn({50, 3, 4}, kDouble).requires_grad_();
  const auto x = RelaxedOneHot(logits, 0.5, true).sample();
  CHECK(x.sizes() == torch::IntArrayRef({50, 12}));
  CHECK_CLOSE(x.detach().view({50, 3, 4}).sum(2), torch::ones({50, 3}, kDouble), kGoldenDouble);
  CHECK_CLOSE(x.detach(), x.detach().round(), kGoldenDouble);
  const auto g = torch::autograd::grad({(x * torch::randn_like(x)).sum()}, {logits})[0];
  CHECK(g.abs().sum().item<double>() > 0);
}

/// Mean of log q - log p over draws of q, and its standard error; per row of q.
void check_kl(const Distribution& q, const Distribution& p, int64_t n) {
  const auto closed = kl(q, p);
  REQUIRE(closed.has_value());
  const auto x = q.sample({n});  // [n, rows, d]
  const auto rows = x.size(1);
  const auto sum = [&](const Tensor& t) {
    return t.dim() > 2 ? t.flatten(2).sum(2) : t.reshape({n, rows});
  };
  const auto difference = sum(q.log_prob(x)) - sum(p.log_prob(x));
  const auto error = difference.std(0) / std::sqrt(static_cast<double>(n));
  CHECK(((difference.mean(0) - *closed).abs() / error).max().item<double>() < kStandardErrors);
}

TEST_CASE("closed divergences of the latent geometries are the Monte Carlo means") {
  const int64_t n = 20000;
  auto factor = 0.5 * torch::randn({3, 4, 4}, kDouble).tril(-1) +
                torch::diag_embed(torch::rand({3, 4}, kDouble) + 0.3);
  const FullNormal full(torch::randn({3, 4}, kDouble), factor);
  check_kl(full, StandardNormal({4}, kDouble), n);
  check_kl(full, Normal(torch::randn({4}, kDouble), Log(0.3 * torch::randn({4}, kDouble))), n);
  check_kl(*fisher(5, doubles({7}), 3), UniformSphere(5, kDouble), n);
  const OneHotGroups hard(torch::randn({3, 2, 4}, kDouble));
  check_kl(hard, OneHotGroups(torch::randn({2, 4}, kDouble)), n);
  const RelaxedOneHot straight(hard.logits, 0.7, true);
  check_kl(straight, OneHotGroups(torch::zeros({2, 4}, kDouble)), n);
}

TEST_CASE("parameters of the latent geometries are checked by name") {
  const auto direction = doubles({0, 1}).view({1, 2});
  CHECK_THROWS_WITH_AS(checked::von_mises_fisher(direction, doubles({-1})),
                       doctest::Contains("kappa"), Error);
  CHECK_THROWS_WITH_AS(checked::von_mises_fisher(2 * direction, doubles({1})),
                       doctest::Contains("length"), Error);
  CHECK_THROWS_WITH_AS(checked::wrapped_normal(direction, doubles({1, 1}), 1),
                       doctest::Contains("centre"), Error);
  CHECK_THROWS_WITH_AS(checked::wrapped_normal(0.1 * direction, doubles({1, 1}), -1),
                       doctest::Contains("curvature"), Error);
  CHECK_THROWS_WITH_AS(checked::relaxed_one_hot(torch::zeros({1, 1, 3}), 0),
                       doctest::Contains("temperature"), Error);
  CHECK_THROWS_WITH_AS(checked::full_normal(torch::zeros({1, 2}), torch::zeros({1, 2, 2})),
                       doctest::Contains("diagonal"), Error);
}

}  // namespace
}  // namespace elbo
