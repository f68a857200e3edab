#include <doctest/doctest.h>
#include <torch/autograd.h>
#include <torch/optim/adam.h>

#include <cmath>

#include "elbo/core/constants.h"
#include "elbo/core/random.h"
#include "elbo/distributions/continuous.h"
#include "elbo/distributions/row_mixture.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

const auto kWide = torch::kFloat64;

/// log p(x = 1, z) of z ~ N(0, 1), x | z ~ N(z², 0.3²): z has two modes; [n] of z [n, 1].
Tensor log_joint(const Tensor& z) {
  const double scale = 0.3;
  const auto away = (1 - z.square()) / scale;
  return (-0.5 * z.square() - 0.5 * away.square() - 2 * kHalfLogTwoPi - std::log(scale))
      .squeeze(-1);
}

/// What the bound misses of log p(x) after a fit of so many components.
double gap_of_fit(int64_t components) {
  seed_torch(5);
  auto loc = (0.1 * torch::randn({1, components, 1}, kWide)).requires_grad_();
  auto log_scale = torch::zeros({1, components, 1}, kWide).requires_grad_();
  torch::optim::Adam adam(std::vector<Tensor>{loc, log_scale}, 0.02);
  const auto bound = [&](int64_t draws) {
    const RowMixture q(loc, Log(log_scale));
    const auto z = q.sample({draws});
    return (log_joint(z) - q.log_prob(z)).mean();
  };
  for (int step = 0; step < 600; ++step) {
    adam.zero_grad();
    (-bound(64)).backward();
    adam.step();
  }
  const auto grid = torch::linspace(-6, 6, 20001, kWide).unsqueeze(1);
  const double evidence = std::log(log_joint(grid).exp().sum().item<double>() * 12 / 20000);
  const torch::NoGradGuard no_gradient;
  return evidence - bound(200000).item<double>();
}

}  // namespace

TEST_CASE(
    "a mixture for each row is the average density of its normals, and draws have its moments") {
  const auto loc = torch::randn({3, 4, 2}, kWide), scale = torch::rand({3, 4, 2}, kWide) + 0.2;
  const auto q = checked::row_mixture(loc, scale);
  const auto x = torch::randn({5, 3, 2}, kWide);
  auto density = torch::zeros({5, 3}, kWide);
  for (int64_t k = 0; k < 4; ++k) {
    density += Normal(loc.select(1, k), scale.select(1, k)).log_prob(x).sum(-1).exp() / 4;
  }
  CHECK_CLOSE(q->log_prob(x), density.log(), kGoldenDouble);
  CHECK_CLOSE(q->log_prob(x[2]), density[2].log(), kGoldenDouble);
  const double n = 40000;
  const auto draws = q->sample({static_cast<int64_t>(n)});
  REQUIRE(draws.sizes() == torch::IntArrayRef({static_cast<int64_t>(n), 3, 2}));
  const auto within = [&](const Tensor& values, const Tensor& expected) {
    const auto error = values.std(0) / std::sqrt(n);
    CHECK(((values.mean(0) - expected).abs() / error).max().item<double>() < kStandardErrors);
  };
  within(draws, q->mean());
  within((draws - q->mean()).square(), q->stddev().square());
  CHECK_THROWS_WITH_AS(checked::row_mixture(loc, scale[0]), doctest::Contains("[row_mixture] loc"),
                       Error);
  CHECK_THROWS_WITH_AS(checked::row_mixture(loc, -scale), doctest::Contains("[row_mixture] scale"),
                       Error);
}

TEST_CASE("gradients of a mixture's drawn components are on average those of all components") {
  seed_torch(6);
  const auto loc = torch::randn({1, 3, 2}, kWide).requires_grad_();
  const auto log_scale = (0.3 * torch::randn({1, 3, 2}, kWide)).requires_grad_();
  const RowMixture q(loc, Log(log_scale));
  const int64_t batches = 200, n = 500;
  const auto of = [&](const Tensor& z) {
    const auto value = (z.sin().sum(-1) - q.log_prob(z)).mean();
    const auto g = torch::autograd::grad({value}, {loc, log_scale}, {}, /*retain_graph=*/true);
    return torch::cat({g[0].flatten(), g[1].flatten()});
  };
  std::vector<Tensor> drawn, enumerated;
  for (int64_t i = 0; i < batches; ++i) {
    drawn.push_back(of(q.sample({n})));
    const auto each = loc + log_scale.exp() * torch::randn({n, 3, 2}, kWide);
    enumerated.push_back(of(each.view({3 * n, 1, 2})));
  }
  const auto a = torch::stack(drawn), b = torch::stack(enumerated);
  const auto error = ((a.var(0) + b.var(0)) / static_cast<double>(batches)).sqrt();
  CHECK(((a.mean(0) - b.mean(0)).abs() / error).max().item<double>() < kStandardErrors);
}

TEST_CASE("two components reach a posterior with two modes, which one cannot") {
  CHECK(gap_of_fit(1) > 0.4);
  CHECK(gap_of_fit(2) < 0.05);
}

}  // namespace elbo
