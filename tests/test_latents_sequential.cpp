#include <doctest/doctest.h>
#include <torch/autograd.h>

#include <cmath>

#include "elbo/data/open.h"
#include "elbo/eval/density.h"
#include "near.h"
#include "tolerance.h"
#include "toy.h"

namespace elbo {
namespace {

std::shared_ptr<Model> series_model(const Schema& x, Schema c = {}) {
  Schemas data;
  data.x = x;
  data.c = std::move(c);
  Json spec = default_spec();
  spec["latent"] = {{"type", "sequential"}, {"size", 2}, {"features", 8}, {"memory", 8}};
  spec["decoder"] = {{"type", "mlp"}, {"hidden", {8}}, {"activation", "tanh"}};
  return build(resolve(spec, data), data);
}

TEST_CASE("a step of a series sees what was before it and nothing later") {
  const int64_t steps = 4;
  const auto model = series_model({{steps, 2}, Kind::kReal, Json::object()});
  Batch batch;
  batch.x = torch::randn({1, steps, 2}).requires_grad_();
  const auto found = model->infer(batch, 0);
  const auto& site = found.trace.sites.at(0);
  const auto reaches = [&](const Tensor& of, int64_t from) {
    const auto g = torch::autograd::grad({of.sum()}, {batch.x}, {}, true, false, true)[0];
    return g.defined() && g.narrow(1, from, steps - from).abs().max().item<double>() > 0;
  };
  for (int64_t t = 0; t < steps; ++t) {
    CAPTURE(t);
    const auto prior = site.prior->mean().select(1, t), x = found.x->mean().select(1, t);
    const auto posterior = site.posterior->mean().select(1, t);
    CHECK_FALSE(reaches(prior, t));
    CHECK(reaches(posterior, t));
    if (t > 0) CHECK(reaches(prior, t - 1));
    if (t + 1 < steps) {
      CHECK_FALSE(reaches(posterior, t + 1));
      CHECK_FALSE(reaches(x, t + 1));
    }
  }
}

TEST_CASE("series are generated as often as their likelihood says") {
  torch::NoGradGuard no_gradient;
  const int64_t steps = 3, draws = 6000;
  for (const bool conditional : {false, true}) {
    CAPTURE(conditional);
    seed_torch(2);
    const Schema c = conditional ? Schema{{2}, Kind::kReal, Json::object()} : Schema();
    const auto model = series_model({{steps}, Kind::kBinary, Json::object()}, c);
    // A definite likelihood, and a posterior near enough to the prior for importance draws.
    for (auto& p : model->decoder->parameters()) p.mul_(3);
    for (auto& item : model->latent->named_parameters()) {
      if (item.key().starts_with("posterior.second")) item.value().mul_(0.3);
    }
    model->eval();
    const auto condition = conditional ? torch::tensor({{0.5f, -0.7f}}) : Tensor();
    const auto tiled = [&](int64_t n) {
      return conditional ? condition.expand({n, 2}).contiguous() : condition;
    };
    Batch all;
    const auto number = torch::arange(8, torch::kInt64).unsqueeze(1);
    const auto place = torch::tensor({1, 2, 4}, torch::kInt64);
    all.x = number.bitwise_and(place).ne(0).to(torch::kFloat32);
    all.c = tiled(8);
    const auto log_p = importance_log_prob(*model, all, 20000, 5000);
    CHECK(std::abs(log_p.exp().sum().item<double>() - 1) < kMonteCarloShare);
    CHECK(log_p.std().item<double>() > 0.05);
    const auto x = model->generate(draws, tiled(draws)).x->sample();
    CHECK(x.sizes() == torch::IntArrayRef({draws, steps}));
    const auto bits = (x.to(torch::kInt64) * place).sum(1);
    const auto found = torch::bincount(bits, {}, 8).to(torch::kFloat64) / draws;
    const auto p = log_p.exp().to(torch::kFloat64);
    const auto error = (p * (1 - p) / draws).sqrt();
    const auto off = (found - p).abs() - kMonteCarloShare * p;
    CHECK((off / error).max().item<double>() < kStandardErrors);
  }
}

TEST_CASE("a series' latents are learned to near the entropy of an oscillation") {
  DataOptions rows;
  rows.rows = 1000;
  const auto data = open_data("builtin:oscillation", rows);
  const double entropy = data->schemas().x.detail["entropy"].get<double>();
  seed_torch(1);
  Json spec = default_spec();
  spec["latent"] = {{"type", "sequential"}, {"size", 2}, {"features", 32}, {"memory", 32}};
  spec["decoder"] = {{"type", "mlp"}, {"hidden", {32}}};
  Toy toy(spec, data);
  const double start = toy.validate().loss.item<double>();
  toy.train(150, 0.01, 100);
  const double loss = toy.validate().loss.item<double>();
  CHECK(start > entropy + 15);
  CHECK(loss < entropy + kSeriesNats);
  CHECK(loss > entropy - 1);
}

TEST_CASE("hidden cells of a series are told from seen ones, and others of its kind refused") {
  torch::NoGradGuard no_gradient;
  const auto model = series_model({{3, 2}, Kind::kReal, {{"missing", true}}});
  Batch batch;
  batch.x = torch::randn({5, 3, 2});
  batch.mask = torch::ones_like(batch.x);
  batch.mask.select(1, 1).zero_();
  const auto seen = model->infer(batch, 0).trace.code;
  batch.x.select(1, 1).add_(100);
  CHECK(model->infer(batch, 0).trace.code.equal(seen));
  CHECK_THROWS_WITH_AS(series_model({{1, 4, 4}, Kind::kBinary, Json::object()}),
                       doctest::Contains("steps x columns"), Error);
}

}  // namespace
}  // namespace elbo
