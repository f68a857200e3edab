#include <cmath>

#include "distributions_table.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

Dist make(const std::string& type, const Parameters& p) {
  if (type == "one_hot") return checked::one_hot(p.at("logits"));
  for (const auto& k : kinds()) {
    if (k.name == type) return k.make(p);
  }
  fail("[test] no kind ", type);
}

TEST_CASE("closed KL is the golden value and the Monte Carlo mean") {
  constexpr int64_t kDraws = 20000;
  const auto known = golden("distributions.json");
  for (const auto& pair : known.at("kl")) {
    const std::string type = pair.at("type");
    CAPTURE(type);
    const auto q = make(type, to_parameters(pair.at("q")));
    const auto p = make(type, to_parameters(pair.at("p")));
    const auto closed = kl_components(*q, *p);
    REQUIRE(closed);
    CHECK_CLOSE(*closed, to_tensor(pair.at("kl")), kGoldenDouble);
    const auto x = q->sample({kDraws});
    const auto ratio = q->log_prob(x) - p->log_prob(x);
    const auto error = ratio.std(0) / std::sqrt(double(kDraws));
    CHECK(((ratio.mean(0) - *closed).abs() <= kStandardErrors * error + kGoldenDouble)
              .all()
              .item<bool>());
  }
}

TEST_CASE("KL of normals agrees whichever type stands for the standard normal") {
  const auto options = torch::TensorOptions(torch::kFloat64);
  const Normal q(torch::randn({6, 4}, options), Log(0.5 * torch::randn({6, 4}, options)));
  const StandardNormal standard({4}, options);
  const Normal spelled(torch::zeros({4}, options), Log(torch::zeros({4}, options)));
  CHECK_CLOSE(*kl_components(q, standard), *kl_components(q, spelled), kGoldenDouble);
  CHECK_CLOSE(*kl(q, standard), kl_components(q, spelled)->sum(1), kGoldenDouble);
  CHECK_CLOSE(*kl_components(standard, q), *kl_components(spelled, q), kGoldenDouble);
  CHECK_CLOSE(*kl_components(standard, standard), torch::zeros({4}), 0);
  CHECK_CLOSE(standard.log_prob(q.loc()), spelled.log_prob(q.loc()), kGoldenDouble);
  const auto x = standard.sample({7});
  CHECK(x.sizes() == torch::IntArrayRef({7, 4}));
  CHECK((x.scalar_type() == torch::kFloat64));
}

TEST_CASE("a point against a normal costs half its standardised square") {
  const auto z = torch::randn({5, 3}, torch::kFloat64);
  const Delta q(z);
  CHECK_CLOSE(*kl(q, StandardNormal({3})), 0.5 * z.square().sum(1), kGoldenDouble);
  const Normal p(torch::full({3}, 1.0, torch::kFloat64),
                 Log(torch::full({3}, 0.7, torch::kFloat64)));
  CHECK_CLOSE(*kl(q, p), 0.5 * ((z - 1) / std::exp(0.7)).square().sum(1), kGoldenDouble);
  CHECK_CLOSE(q.log_prob(z), torch::zeros({5, 3}), 0);
  CHECK(std::isinf(q.log_prob(z + 1)[0][0].item<double>()));
}

TEST_CASE("a uniform that sticks out has infinite KL, and density 0 outside") {
  const Uniform q(torch::tensor({0.0}), torch::tensor({2.0}));
  const Uniform p(torch::tensor({0.0}), torch::tensor({1.0}));
  CHECK(std::isinf(kl_components(q, p)->item<double>()));
  CHECK(std::isinf(p.log_prob(torch::tensor({1.5})).item<double>()));
}

TEST_CASE("pairs without a closed form have none") {
  const Normal q(torch::zeros({2, 2}), Log(torch::zeros({2, 2})));
  const Laplace p(torch::zeros({2}), torch::ones({2}));
  CHECK_FALSE(kl(q, p).has_value());
  CHECK_FALSE(kl_components(q, p).has_value());
}

TEST_CASE("an affine map carries the density and its Jacobian") {
  const auto options = torch::TensorOptions(torch::kFloat64);
  const auto loc = torch::tensor({1.0, -2.0}, options), scale = torch::tensor({3.0, -0.5}, options);
  const auto base =
      checked::normal(torch::tensor({0.5, 0.1}, options), torch::tensor({2.0, 0.3}, options));
  const auto d = checked::affine(base, loc, scale);
  const auto direct = checked::normal(loc + scale * base->mean(), (scale * base->stddev()).abs());
  const auto x = torch::randn({6, 2}, options);
  auto mask = torch::ones_like(x);
  mask[0][1] = 0;
  CHECK_CLOSE(d->log_prob(x), direct->log_prob(x), kGoldenDouble);
  CHECK_CLOSE(d->row_log_prob(x, mask), direct->row_log_prob(x, mask), kGoldenDouble);
  CHECK_CLOSE(d->mean(), direct->mean(), kGoldenDouble);
  CHECK_CLOSE(d->stddev(), direct->stddev(), kGoldenDouble);
  CHECK_CLOSE(d->detached()->log_prob(x), d->log_prob(x), 0);
  CHECK_THROWS_AS(checked::affine(base, loc, torch::zeros({2})), Error);
  CHECK_THROWS_AS(checked::affine(nullptr, loc, scale), Error);
}

TEST_CASE("a mixture of vectors sums an event before it mixes") {
  const auto options = torch::TensorOptions(torch::kFloat64);
  const auto loc = torch::randn({3, 2}, options), scale = torch::rand({3, 2}, options) + 0.2;
  const auto logits = torch::randn({3}, options);
  const auto d = checked::mixture(logits, checked::normal(loc, scale), 1);
  const auto x = torch::randn({5, 2}, options);
  auto direct = torch::full({5}, -INFINITY, options);
  auto first_only = direct.clone();
  for (int64_t k = 0; k < 3; ++k) {
    const auto parts = checked::normal(loc[k], scale[k])->log_prob(x);
    const auto weight = logits.log_softmax(0)[k];
    direct = torch::logaddexp(direct, parts.sum(1) + weight);
    first_only = torch::logaddexp(first_only, parts.select(1, 0) + weight);
  }
  CHECK_CLOSE(d->log_prob(x), direct, kGoldenDouble);
  auto mask = torch::ones_like(x);
  mask.select(1, 1).zero_();
  CHECK_CLOSE(d->row_log_prob(x, mask), first_only, kGoldenDouble);
  const auto draws = d->sample({20000});
  REQUIRE(draws.sizes() == torch::IntArrayRef({20000, 2}));
  const auto error = draws.std(0) / std::sqrt(20000.0);
  CHECK(((draws.mean(0) - d->mean()).abs() < kStandardErrors * error).all().item<bool>());
}

}  // namespace
}  // namespace elbo
