#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include <set>

#include "elbo/data/dataset.h"
#include "elbo/data/open.h"
#include "files.h"
#include "tolerance.h"

namespace elbo {
namespace {

Data made(const std::string& name, int64_t rows, const std::string& split = "train",
          int64_t seed = 0, const std::string& binarize = "auto") {
  DataOptions options;
  options.rows = rows;
  options.split = split;
  options.seed = seed;
  options.binarize = binarize;
  return open_data("builtin:" + name, options);
}
Batch all(const Data& data) { return data->get(torch::arange(data->size(), torch::kInt64)); }

TEST_CASE("made data are the same for the same seed on any number of threads") {
  for (const std::string name : {"digits", "sprites", "codes", "gaussian"}) {
    CAPTURE(name);
    const auto x = all(made(name, 600)).x;
    at::set_num_threads(2);
    CHECK(torch::equal(all(made(name, 600)).x, x));
    at::set_num_threads(1);
    CHECK(torch::equal(all(made(name, 100)).x, x.narrow(0, 0, 100)));
    CHECK(!torch::equal(all(made(name, 600, "test")).x, x));
    CHECK(!torch::equal(all(made(name, 600, "train", 1)).x, x));
    CHECK(made(name, 60, "all")->size() == 60);
    CHECK(has_test_split("builtin:" + name));
  }
  CHECK(made("digits", 0, "test")->size() == 2000);
  CHECK(made("codes", 0, "all")->size() == 12000);
}

TEST_CASE("digits are bytes with ten labels, and their factors show in the ink") {
  const auto data = made("digits", 3000, "train", 0, "none");
  CHECK(made("digits", 10)->schemas().x.kind == Kind::kBinary);
  CHECK(data->schemas().x.kind == Kind::kByte);
  const auto batch = all(data);
  const auto counts = torch::bincount(batch.y, {}, 10).to(torch::kFloat64);
  CHECK((counts - 300).abs().max().item<double>() <= kStandardErrors * std::sqrt(300 * 0.9));
  const auto factors = data->factors();
  CHECK(torch::equal(factors.select(1, 0).to(torch::kInt64), batch.y));
  const auto ink = batch.x.flatten(1).mean(1);
  const auto thick = factors.select(1, 2) > 2.8, thin = factors.select(1, 2) < 2;
  CHECK(ink.masked_select(thick).mean().item<double>() >
        1.3 * ink.masked_select(thin).mean().item<double>());
  // Nothing is cut off at the border.
  const auto border = torch::cat({batch.x.select(2, 0), batch.x.select(2, 27)}, 2).sum();
  CHECK(border.item<double>() / batch.x.sum().item<double>() < 1e-3);
}

TEST_CASE("sprites are distinct, hold the factors of dSprites, and sit where the factors say") {
  const auto data = made("sprites", 2000, "train", 0, "none");
  const auto x = all(data).x.squeeze(1);
  const auto f = data->factors();
  CHECK((f.sizes() == torch::IntArrayRef({2000, 5})));
  const int64_t sizes[] = {3, 6, 40, 32, 32};
  std::set<int64_t> seen;
  for (int64_t r = 0; r < 2000; ++r) {
    int64_t code = 0;
    for (int64_t k = 0; k < 5; ++k) {
      const auto value = f[r][k].item<int64_t>();
      REQUIRE(value < sizes[k]);
      code = code * sizes[k] + value;
    }
    seen.insert(code);
  }
  CHECK(seen.size() == 2000);
  CHECK(torch::equal(x, x * x));
  const auto symmetric = f.select(1, 0) < 2;  // a heart's mass is not at its centre
  const auto across = (x.sum(1) * (torch::arange(64) + 0.5)).sum(1) / x.sum({1, 2});
  const auto error = (across - (16 + 32 * f.select(1, 3) / 31)).abs().masked_select(symmetric);
  CHECK(error.max().item<double>() < 0.75);  // a shape of few pixels is off by part of one
  for (int64_t axis : {1, 2}) {
    for (int64_t edge : {0, 63}) CHECK(x.select(axis, edge).sum().item<double>() == 0);
  }
}

TEST_CASE("the codes' entropy is what their own probabilities say") {
  const auto data = made("codes", 20000);
  const auto& detail = data->schemas().x.detail;
  const auto x = all(data).x.to(torch::kFloat64);
  Tensor likelihood = torch::zeros({x.size(0)}, torch::kFloat64);
  for (const auto& pattern : detail["patterns"]) {
    auto bits = torch::zeros({16}, torch::kFloat64);
    const auto text = pattern.get<std::string>();
    for (size_t i = 0; i < 16; ++i) bits[static_cast<int64_t>(i)] = text[i] - '0';
    const auto flips = (x - bits).abs().sum(1);
    likelihood += (flips * std::log(0.05) + (16 - flips) * std::log(0.95)).exp() / 8;
  }
  const auto surprise = -likelihood.log();
  const double mean = surprise.mean().item<double>(),
               error = surprise.std().item<double>() / std::sqrt(20000.0);
  CHECK(std::abs(mean - detail["entropy"].get<double>()) < kStandardErrors * error);
}

TEST_CASE("the oscillation's pushes are independent normals, and its entropy is theirs") {
  const int64_t n = 4000;
  const auto data = made("oscillation", n);
  const auto& detail = data->schemas().x.detail;
  const double damping = detail["damping"], angle = detail["angle"], push = detail["push"];
  const auto x = all(data).x.to(torch::kFloat64);
  const auto turn = damping * torch::tensor({{std::cos(angle), -std::sin(angle)},
                                             {std::sin(angle), std::cos(angle)}},
                                            torch::kFloat64);
  const int64_t steps = x.size(1);
  const auto pushes =
      (x.narrow(1, 1, steps - 1) - x.narrow(1, 0, steps - 1).matmul(turn.t())) / push;
  const auto first = x.select(1, 0) / (push / std::sqrt(1 - damping * damping));
  const auto noise = torch::cat({first.flatten(), pushes.flatten()});
  const double count = static_cast<double>(noise.numel());
  CHECK(std::abs(noise.mean().item<double>()) < kStandardErrors / std::sqrt(count));
  CHECK(std::abs(noise.var().item<double>() - 1) < kStandardErrors * std::sqrt(2 / count));
  const auto next = (pushes.narrow(1, 1, steps - 2) * pushes.narrow(1, 0, steps - 2)).flatten();
  CHECK(std::abs(next.mean().item<double>()) < kStandardErrors / std::sqrt(next.numel()));
  const auto surprise = [](const torch::Tensor& unit, double scale) {
    return (0.5 * unit.square() + (std::log(scale) + 0.5 * std::log(2 * M_PI))).flatten(1).sum(1);
  };
  const auto each =
      surprise(first, push / std::sqrt(1 - damping * damping)) + surprise(pushes, push);
  const double error = each.std().item<double>() / std::sqrt(static_cast<double>(n));
  CHECK(std::abs(each.mean().item<double>() - detail["entropy"].get<double>()) <
        kStandardErrors * error);
}

TEST_CASE("the gaussian set has the mean and covariance that its detail states") {
  const int64_t n = 20000;
  const auto data = made("gaussian", n);
  const auto& detail = data->schemas().x.detail;
  auto w = torch::zeros({8, 2}, torch::kFloat64), mean = torch::zeros({8}, torch::kFloat64);
  for (int64_t i = 0; i < 8; ++i) {
    mean[i] = detail["mean"][static_cast<size_t>(i)].get<double>();
    for (int64_t j = 0; j < 2; ++j) {
      w[i][j] = detail["W"][static_cast<size_t>(i)][static_cast<size_t>(j)].get<double>();
    }
  }
  const double sigma = detail["sigma"];
  const auto covariance = w.matmul(w.t()) + sigma * sigma * torch::eye(8, torch::kFloat64);
  const auto centred = all(data).x.to(torch::kFloat64) - mean;
  const auto variance = covariance.diagonal();
  CHECK((centred.mean(0).abs() <= kStandardErrors * (variance / n).sqrt()).all().item<bool>());
  // Var of a product of two normals: C_ii C_jj + C_ij^2.
  const auto error = ((variance.unsqueeze(1) * variance + covariance.square()) / n).sqrt();
  const auto found = centred.t().matmul(centred) / n;
  CHECK(((found - covariance).abs() <= kStandardErrors * error).all().item<bool>());
}

}  // namespace
}  // namespace elbo
