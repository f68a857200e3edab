#include <set>

#include "elbo/distributions/continuous.h"
#include "elbo/distributions/discrete.h"
#include "elbo/model/head.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

constexpr int64_t kRows = 6;

/// A variable of each kind, and rows that it may hold.
struct Row {
  Schema variable;
  Tensor x;
};

std::vector<Row> row_kinds() {
  const auto rows = [](const Shape& shape) { return torch::rand(with_rows(kRows, shape)); };
  const Json raw = {{"loc", {1.0, -2.0, 0.5, 9.0, 0.0}}, {"scale", {2.0, 0.1, 1.0, 30.0, 1.0}}};
  const Shape image{3, 4, 4}, columns{5};
  return {{{columns, Kind::kReal, Json::object()}, rows(columns) * 4 - 2},
          {{columns, Kind::kReal, raw}, rows(columns) * 4 - 2},
          {{image, Kind::kUnit, Json::object()}, rows(image)},
          {{image, Kind::kBinary, Json::object()}, rows(image).round()},
          {{columns, Kind::kBinary, Json::object()}, rows(columns).round()},
          {{image, Kind::kByte, Json::object()}, (rows(image) * 255).round() / 255},
          {{columns, Kind::kByte, Json::object()}, (rows(columns) * 255).round() / 255},
          {{columns, Kind::kCount, Json::object()}, (rows(columns) * 20).round()},
          {{columns, Kind::kCategory, {{"classes", 4}}}, (rows(columns) * 3).round()},
          {{{}, Kind::kCategory, {{"classes", {"a", "b", "c"}}}}, (rows({}) * 2).round()},
          {{columns, Kind::kToken, {{"tokens", "characters"}, {"vocabulary", {"", "?", "a", "b"}}}},
           (rows(columns) * 3).round()}};
}

std::shared_ptr<Head> head_of(const Schema& variable, const Json& declaration,
                              Role role = Role::kFeatures) {
  Context at{variable, {variable, {}, {}}};
  at.role = role;
  return make_head(at, declaration);
}

/// The declarations under test: every registered head as it is, and the options that change what
/// a head reads.
std::vector<Json> declarations() {
  std::vector<Json> all;
  for (const auto& entry : heads().entries()) all.push_back(entry.name);
  for (const char* scale : {"learned", "feature"}) {
    all.push_back({{"type", "normal"}, {"scale", scale}});
    all.push_back({{"type", "laplace"}, {"scale", scale}});
  }
  all.push_back({{"type", "normal"}, {"scale", 0.5}, {"mean", "sigmoid"}});
  all.push_back({{"type", "discretized_logistic"}, {"components", 3}});
  all.push_back({{"type", "negative_binomial"}, {"dispersion", "output"}});
  return all;
}

std::shared_ptr<Head> try_make(const Schema& variable, const Json& declaration) {
  try {
    return head_of(variable, declaration);
  } catch (const Error&) {
    return nullptr;  // not of this kind, or a free prior only
  }
}

TEST_CASE("heads accept what input() says, draw the schema's shape and train every parameter") {
  std::set<std::string> stood;
  for (const auto& declared : declarations()) {
    for (const auto& one : row_kinds()) {
      const auto head = try_make(one.variable, declared);
      if (!head) continue;
      CAPTURE(declared.dump());
      CAPTURE(one.variable.kind);
      const auto h = torch::randn(with_rows(kRows, head->input())).requires_grad_();
      const auto d = (*head)(h);
      stood.insert(declared.dump());
      const auto shape = with_rows(kRows, one.variable.shape);
      auto [x, log_prob] = d->sample_and_log_prob();
      CHECK(x.sizes() == torch::IntArrayRef(shape));
      CHECK(d->mean().sizes() == torch::IntArrayRef(shape));
      const auto rows = row_sum(log_prob);
      CHECK(rows.sizes() == torch::IntArrayRef({kRows}));
      CHECK(rows.isfinite().all().item<bool>());
      auto loss = rows.sum();
      if (d->reparameterized() && x.requires_grad()) loss = loss + x.square().sum();
      loss.backward();
      CHECK(h.grad().isfinite().all().item<bool>());
      CHECK(h.grad().abs().sum().item<double>() > 0);
      for (const auto& parameter : head->named_parameters()) {
        CAPTURE(parameter.key());
        REQUIRE(parameter->grad().defined());
        CHECK(parameter->grad().abs().sum().item<double>() > 0);
      }
    }
  }
  for (const char* name : {"normal", "laplace", "logistic", "student", "bernoulli",
                           "continuous_bernoulli", "categorical", "poisson", "negative_binomial",
                           "discretized_logistic", "beta", "gamma", "uniform", "delta"}) {
    CAPTURE(name);
    CHECK(stood.count(Json(name).dump()) == 1);
  }
}

TEST_CASE("likelihoods of extreme features are no NaN, and neither are their gradients") {
  for (const auto& declared : declarations()) {
    // A flow scores its own draws; inverted at a foreign point, such features overflow.
    if (declared == "flow") continue;
    for (const auto& one : row_kinds()) {
      const auto head = try_make(one.variable, declared);
      if (!head) continue;
      for (double size : {0.0, 1e4, -1e4}) {
        CAPTURE(declared.dump());
        CAPTURE(one.variable.kind);
        CAPTURE(size);
        const auto h = torch::full(with_rows(kRows, head->input()), size).requires_grad_();
        const auto d = (*head)(h);
        const auto rows = d->row_log_prob(one.x);
        CHECK_FALSE(rows.isnan().any().item<bool>());
        if (!rows.isfinite().all().item<bool>() || !rows.requires_grad()) continue;
        rows.sum().backward();
        CHECK(h.grad().isfinite().all().item<bool>());
      }
    }
  }
}

TEST_CASE("free priors draw rows of the variable's shape, others are refused when they are built") {
  const Schema z{{5}, Kind::kReal, Json::object()};
  for (const char* name : {"normal", "laplace", "logistic", "student", "uniform", "mixture"}) {
    CAPTURE(name);
    const auto head = head_of(z, name, Role::kFree);
    const auto p = (*head)(Tensor());
    const auto x = p->sample({kRows});
    CHECK(x.sizes() == torch::IntArrayRef({kRows, 5}));
    CHECK(p->row_log_prob(x).sizes() == torch::IntArrayRef({kRows}));
  }
  CHECK(dynamic_cast<const StandardNormal*>((*head_of(z, "normal", Role::kFree))(Tensor()).get()));
  const auto wide = (*head_of(z, {{"type", "normal"}, {"scale", 3.0}}, Role::kFree))(Tensor());
  CHECK_CLOSE(wide->stddev(), torch::full({5}, 3.0), kGoldenFloat);
  CHECK_THROWS_WITH_AS(head_of(z, "gamma", Role::kFree),
                       doctest::Contains("[head gamma] place: it reads features"), Error);
  CHECK_THROWS_AS(head_of({{5}, Kind::kCount, {}}, "poisson", Role::kFree), Error);
  CHECK_THROWS_WITH_AS(head_of(z, "diffusion"),
                       doctest::Contains("[head diffusion] place: it takes no features"), Error);
}

TEST_CASE("a head refuses a kind that it cannot describe, naming those it can") {
  CHECK_THROWS_WITH_AS(head_of({{5}, Kind::kCount, {}}, "bernoulli"),
                       "[head bernoulli] kind: found count data, it describes binary, unit, byte",
                       Error);
  CHECK_THROWS_AS(head_of({{5}, Kind::kReal, {}}, "poisson"), Error);
  CHECK_THROWS_AS(head_of({{5}, Kind::kCategory, {{"classes", 3}}}, "normal"), Error);
  CHECK_THROWS_WITH_AS(head_of({{5}, Kind::kCategory, Json::object()}, "categorical"),
                       doctest::Contains("classes"), Error);
  CHECK_THROWS_WITH_AS(head_of({{5}, Kind::kReal, {}}, {{"type", "normal"}, {"scale", "wide"}}),
                       doctest::Contains("scale"), Error);
  CHECK_THROWS_AS(head_of({{5}, Kind::kReal, {}}, {{"type", "normal"}, {"scale", -1}}), Error);
  CHECK_THROWS_AS(head_of({{5}, Kind::kReal, {}}, {{"type", "normal"}, {"min_log_scale", 8}}),
                  Error);
}

TEST_CASE("a standardised head gives the density of raw data") {
  const Json detail = {{"loc", {10.0, -4.0}}, {"scale", {5.0, 0.5}}};
  const auto head = head_of({{2}, Kind::kReal, detail}, "normal");
  const auto h = torch::randn({kRows, 4}), x = torch::randn({kRows, 2});
  const auto scale = torch::tensor({5.0f, 0.5f}), loc = torch::tensor({10.0f, -4.0f});
  const auto direct =
      Normal(loc + scale * h.narrow(1, 0, 2), Log(h.narrow(1, 2, 2) + scale.log())).log_prob(x);
  const auto d = (*head)(h);
  CHECK_CLOSE(d->log_prob(x), direct, kGoldenFloat);
  CHECK_CLOSE(d->row_log_prob(x), direct.sum(1), kGoldenFloat);
  CHECK_CLOSE(d->mean(), loc + scale * h.narrow(1, 0, 2), kGoldenFloat);
}

TEST_CASE("shapes that heads read") {
  const Schema image{{3, 4, 5}, Kind::kByte, {}};
  CHECK(head_of(image, "normal")->input() == Shape{6, 4, 5});
  CHECK(head_of(image, {{"type", "normal"}, {"scale", "learned"}})->input() == Shape{3, 4, 5});
  CHECK(head_of(image, "discretized_logistic")->input() == Shape{6, 4, 5});
  CHECK(head_of(image, {{"type", "discretized_logistic"}, {"components", 10}})->input() ==
        Shape{70, 4, 5});
  CHECK(head_of({{7}, Kind::kByte, {}}, {{"type", "discretized_logistic"}, {"components", 2}})
            ->input() == Shape{42});
  CHECK(head_of({{7}, Kind::kCategory, {{"classes", 3}}}, "categorical")->input() == Shape{21});
}

TEST_CASE("a mixture of one logistic is that logistic") {
  const Schema image{{3, 4, 4}, Kind::kByte, {}};
  const auto loc = torch::randn({2, 1, 3, 16}), log_scale = torch::randn({2, 1, 3, 16}) - 2;
  const auto x = (torch::rand({2, 3, 4, 4}) * 255).round() / 255;
  const LogisticMixture one(torch::zeros({2, 1, 16}), loc, Log(log_scale), image.shape);
  const DiscretizedLogistic single(loc.view({2, 3, 4, 4}), Log(log_scale.view({2, 3, 4, 4})));
  CHECK_CLOSE(one.row_log_prob(x), single.row_log_prob(x), kGoldenFloat);
  CHECK_CLOSE(one.mean(), single.mean(), kGoldenFloat);
}

TEST_CASE("coupled channels move each other's centres, and their levels' masses add up to one") {
  const int64_t k = 2, sites = 1;
  const auto logits = torch::randn({1, k, sites}), loc = torch::randn({1, k, 3, sites}) * 0.3;
  const auto log_scale = torch::randn({1, k, 3, sites}) - 1.5, by = torch::randn({1, k, 3, sites});
  const LogisticMixture coupled(logits, loc, Log(log_scale), {3, 1, 1}, by);
  const auto x = (torch::rand({1, 3, 1, 1}) * 255).round() / 255,
             y = (2 * x - 1).view({1, 1, 3, 1});
  auto moved = loc.clone();
  const auto part = [](const Tensor& t, int64_t c) { return t.select(2, c); };
  part(moved, 1).add_(part(by, 0) * part(y, 0));
  part(moved, 2).add_(part(by, 1) * part(y, 0) + part(by, 2) * part(y, 1));
  const LogisticMixture same(logits, moved, Log(log_scale), {3, 1, 1});
  CHECK_CLOSE(coupled.row_log_prob(x), same.row_log_prob(x), kGoldenFloat);

  // Of two channels, all 65,536 pairs of levels, and means of draws.
  const auto two = [](const Tensor& t) { return t.narrow(2, 0, 2); };
  const LogisticMixture pair(logits, two(loc), Log(two(log_scale)), {2, 1, 1}, by.narrow(2, 0, 1));
  const auto level = torch::arange(256, torch::kFloat32) / 255;
  const auto pairs = torch::cartesian_prod({level, level}).view({65536, 2, 1, 1});
  const auto mass = pair.row_log_prob(pairs).to(torch::kFloat64).exp();
  CHECK_CLOSE(mass.sum(), torch::ones({}, torch::kFloat64), 1e-4);
  constexpr int64_t kDraws = 20000;
  const auto draws = pair.sample({kDraws}).view({kDraws, 2}).to(torch::kFloat64);
  const auto mean = (pairs.view({65536, 2}) * mass.unsqueeze(1)).sum(0);
  const auto error = draws.std(0) / std::sqrt(static_cast<double>(kDraws));
  CHECK(((draws.mean(0) - mean) / error).abs().max().item<double>() < 4);
  const auto product = (draws.select(1, 0) * draws.select(1, 1));
  const auto expected = (pairs.view({65536, 2}).prod(1) * mass).sum();
  CHECK(((product.mean() - expected) / product.std() * std::sqrt(static_cast<double>(kDraws)))
            .abs()
            .item<double>() < 4);

  auto mask = torch::ones_like(x);
  mask.select(1, 2).zero_();
  const LogisticMixture first_two(logits, two(moved), Log(two(log_scale)), {2, 1, 1});
  CHECK_CLOSE(coupled.row_log_prob(x, mask), first_two.row_log_prob(x.narrow(1, 0, 2)),
              kGoldenFloat);
  mask.select(1, 0).zero_();
  CHECK_THROWS_WITH_AS(coupled.row_log_prob(x, mask), doctest::Contains("whole pixels"), Error);

  const Schema image{{3, 4, 5}, Kind::kByte, {}};
  CHECK(head_of(image, {{"type", "discretized_logistic"}, {"coupled", true}})->input() ==
        Shape{10, 4, 5});
}

TEST_CASE("log scales stay within their bounds") {
  const Schema x{{2}, Kind::kReal, {}};
  const auto head = head_of(x, {{"type", "normal"}, {"min_log_scale", -1}, {"max_log_scale", 2}});
  const auto d = (*head)(torch::tensor({{0.0f, 0.0f, -50.0f, 50.0f}}));
  CHECK_CLOSE(d->stddev().log(), torch::tensor({{-1.0f, 2.0f}}), kGoldenFloat);
}

}  // namespace
}  // namespace elbo
