#include <doctest/doctest.h>
#include <torch/autograd.h>

#include "elbo/data/open.h"
#include "elbo/nn/causal.h"
#include "near.h"
#include "tolerance.h"
#include "toy.h"

namespace elbo {
namespace {

constexpr double kNats16 = 16 * 0.6931471805599453;  // of independent fair bits

std::vector<Json> chains() {
  const Json masked{
      {"type", "pixel_cnn"}, {"features", 8}, {"layers", 2}, {"kernel", 3}, {"context", 3}};
  auto direct = masked;
  direct["direct"] = true;
  return {masked,
          direct,
          {{"type", "transformer"}, {"features", 8}, {"layers", 2}, {"heads", 2}, {"context", 3}}};
}

std::vector<std::shared_ptr<CausalNetwork>> networks_of(const CausalPlan& plan) {
  return {make_pixel_cnn(plan, {.features = 24, .layers = 4, .kernel = 3}),
          make_pixel_cnn(plan, {.features = 24, .layers = 4, .kernel = 3, .direct = true}),
          make_transformer(plan, {.features = 8, .layers = 2, .heads = 2})};
}

/// As a free prior, or reading features, with weights that make a definite distribution.
std::shared_ptr<Head> make_chain(const Schema& variable, const Json& declared, bool free) {
  Context at{variable, {variable, {}, {}}};
  if (free) at.role = Role::kFree;
  auto head = make_head(at, declared);
  torch::NoGradGuard no_gradient;
  for (auto& p : head->parameters()) p.mul_(3);
  return head;
}

/// [levels^n, shape…]: every value that a variable may take.
Tensor all_values(const Shape& shape, int64_t levels, double step) {
  const int64_t n = numel(shape);
  int64_t count = 1;
  for (int64_t i = 0; i < n; ++i) count *= levels;
  auto index = torch::arange(count, torch::kInt64);
  std::vector<Tensor> columns;
  for (int64_t i = 0; i < n; ++i) {
    columns.push_back(index.remainder(levels));
    index = index.div(levels, "floor");
  }
  return (torch::stack(columns, 1).to(torch::kFloat32) * step).view(with_rows(count, shape));
}

}  // namespace

TEST_CASE("the probabilities of all values of an autoregressive variable add up to one") {
  struct Case {
    Schema variable;
    int64_t levels;
    double step;
  };
  const std::vector<Case> cases{{{{1, 2, 2}, Kind::kBinary, Json::object()}, 2, 1},
                                {{{2, 2, 2}, Kind::kBinary, Json::object()}, 2, 1},
                                {{{5}, Kind::kBinary, Json::object()}, 2, 1},
                                {{{2, 2}, Kind::kCategory, {{"classes", 3}}}, 3, 1},
                                {{{2, 1, 2}, Kind::kCategory, {{"classes", 3}}}, 3, 1},
                                {{{1, 2, 1}, Kind::kByte, Json::object()}, 256, 1.0 / 255}};
  torch::NoGradGuard no_gradient;
  for (const auto& declared : chains()) {
    for (const auto& one : cases) {
      for (const bool free : {true, false}) {
        CAPTURE(declared.dump());
        CAPTURE(to_string(one.variable.shape));
        const auto head = make_chain(one.variable, declared, free);
        const auto x = all_values(one.variable.shape, one.levels, one.step);
        const auto h = torch::randn(with_rows(1, head->input()));
        const auto log_p = (*head)(free ? Tensor() : h)->row_log_prob(x);
        CHECK_CLOSE(log_p.to(torch::kFloat64).exp().sum().item<double>(), 1.0, kFloatSums);
        // It is no product of fair coins.
        CHECK(log_p.std().item<double>() > 0.05);
      }
    }
  }
}

TEST_CASE("an output reads all earlier places and no other") {
  for (const auto& size : std::vector<std::pair<int64_t, int64_t>>{{1, 6}, {4, 5}, {5, 1}}) {
    const CausalPlan plan{2, 1, size.first, size.second, 0};
    for (const auto& network : networks_of(plan)) {
      const auto x = torch::randn({1, 2, plan.height, plan.width}).requires_grad_();
      const auto y = network->forward(x).flatten();
      for (int64_t i = 0; i < y.numel(); ++i) {
        const auto g = torch::autograd::grad({y[i]}, {x}, {}, true)[0].abs().sum(1).flatten();
        CAPTURE(i);
        CHECK(g.narrow(0, i, y.numel() - i).max().item<double>() == 0);
        if (i > 0) CHECK(g.narrow(0, 0, i).min().item<double>() > 0);
      }
    }
  }
}

TEST_CASE("place by place a causal network says what it says of all at once") {
  torch::NoGradGuard no_gradient;
  for (const auto& size : std::vector<std::pair<int64_t, int64_t>>{{1, 7}, {5, 4}}) {
    for (const int64_t context : {0, 2}) {
      const CausalPlan plan{3, 5, size.first, size.second, context};
      for (const auto& network : networks_of(plan)) {
        const auto x = torch::randn({2, 3, plan.height, plan.width});
        const auto c = context ? torch::randn({2, context, plan.height, plan.width}) : Tensor();
        const auto places = x.flatten(2);
        std::vector<Tensor> outputs;
        network->walk(2, c, [&](const Tensor& out) {
          outputs.push_back(out);
          return places.select(2, static_cast<int64_t>(outputs.size()) - 1);
        });
        CHECK_CLOSE(torch::stack(outputs, 2), network->forward(x, c).flatten(2), kFloatSums);
      }
    }
  }
}

TEST_CASE("draws of an autoregressive variable come as often as its probabilities say") {
  torch::NoGradGuard no_gradient;
  constexpr int64_t kDraws = 4000;
  for (const auto& declared : chains()) {
    for (const bool free : {true, false}) {
      CAPTURE(declared.dump());
      const auto head = make_chain({{2, 1, 2}, Kind::kBinary, Json::object()}, declared, free);
      const auto h = torch::randn(with_rows(1, head->input()));
      const auto p = (*head)(free ? Tensor() : h);
      auto x = p->sample({kDraws});
      CHECK(x.sizes() == (free ? torch::IntArrayRef({kDraws, 2, 1, 2})
                               : torch::IntArrayRef({kDraws, 1, 2, 1, 2})));
      const auto bits = x.reshape({kDraws, 4}).matmul(torch::tensor({1.0f, 2.0f, 4.0f, 8.0f}));
      const auto found = torch::bincount(bits.to(torch::kInt64), {}, 16).to(torch::kFloat64);
      const auto expected = kDraws * p->row_log_prob(all_values({2, 1, 2}, 2, 1)).exp();
      const double distance = ((found - expected).square() / expected).sum().item<double>();
      // A chi-square of 15 degrees: its mean and five deviations.
      CHECK(distance < 15 + kStandardErrors * std::sqrt(30.0));
      const auto mean = p->mean();
      CHECK(mean.min().item<double>() >= 0);
      CHECK(mean.max().item<double>() <= 1);
    }
  }
}

TEST_CASE("what a mask hides of an autoregressive variable is neither read nor scored") {
  torch::NoGradGuard no_gradient;
  for (const auto& declared : chains()) {
    CAPTURE(declared.dump());
    const auto head = make_chain({{1, 2, 2}, Kind::kBinary, Json::object()}, declared, true);
    const auto p = (*head)(Tensor());
    const auto mask = torch::tensor({1.0f, 0.0f, 1.0f, 1.0f}).view({1, 1, 2, 2});
    auto x = all_values({1, 2, 2}, 2, 1);
    const auto hidden = x.masked_fill(mask == 0, NAN);
    const auto rows = mask.expand_as(x);
    CHECK_CLOSE(p->row_log_prob(hidden, rows), p->row_log_prob(x, rows), 0);
    // Each of the eight states of what is seen stands there twice.
    CHECK_CLOSE(p->row_log_prob(hidden, rows).exp().sum().item<double>(), 2.0, kFloatSums);
    CHECK_CLOSE(p->row_log_prob(x, torch::ones_like(x)), p->row_log_prob(x), kGoldenFloat);
  }
}

TEST_CASE("an autoregressive head says what it cannot be") {
  const Json pixel_cnn = chains()[0];
  CHECK_THROWS_WITH_AS(make_chain({{4}, Kind::kReal, Json::object()}, pixel_cnn, true),
                       doctest::Contains("binary, byte, category"), Error);
  CHECK_THROWS_WITH_AS(make_pixel_cnn({}, {.kernel = 4}), doctest::Contains("odd"), Error);
  CHECK_THROWS_WITH_AS(make_transformer({}, {.features = 6, .heads = 4}),
                       doctest::Contains("multiple"), Error);
}

TEST_CASE("an autoregressive decoder learns bits that depend on each other to their entropy") {
  DataOptions rows;
  rows.rows = 3000;
  const auto data = open_data("builtin:codes", rows);
  const double entropy = data->schemas().x.detail["entropy"].get<double>();
  for (const auto& declared : chains()) {
    CAPTURE(declared.dump());
    seed_torch(3);
    auto likelihood = declared;
    likelihood["features"] = 16;
    likelihood["layers"] = 3;
    if (likelihood.contains("kernel")) likelihood["kernel"] = 9;
    auto spec = toy_spec();
    spec["likelihood"] = likelihood;
    Toy toy(spec, data);
    toy.train(220, 0.01, 100);
    const double loss = toy.validate().loss.item<double>();
    CHECK(loss > entropy - kModelBeatsTruthNats * 4);
    CHECK(loss < entropy + kShortTrainingNats);
    CHECK(loss < kNats16 - 2);
  }
}

}  // namespace elbo
