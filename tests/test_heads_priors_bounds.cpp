#include <doctest/doctest.h>

#include <cmath>

#include "elbo/data/open.h"
#include "elbo/distributions/chain_steps.h"
#include "elbo/distributions/continuous.h"
#include "elbo/model/starts_from_codes.h"
#include "near.h"
#include "tolerance.h"
#include "toy.h"

// Priors whose density is known by a bound: a diffusion, a whole model.

namespace elbo {
namespace {

Json tiny_mlp() { return {{"type", "mlp"}, {"hidden", {16}}, {"activation", "tanh"}}; }

Json small_diffusion(int64_t steps, const Json& network = tiny_mlp()) {
  return {{"type", "diffusion"}, {"steps", steps}, {"network", network}};
}

std::vector<Json> bound_priors() {
  const Json wider{{"latent", {{"size", 3}}}, {"encoder", tiny_mlp()}, {"decoder", tiny_mlp()}};
  return {small_diffusion(12), {{"type", "vae"}, {"model", wider}}};
}

std::shared_ptr<Head> make_prior(const Json& declared, const Shape& shape) {
  Context at{{shape, Kind::kReal, Json::object()}, {}};
  at.data.x = at.variable;
  at.role = Role::kFree;
  return make_head(at, declared);
}

/// Away from where it starts, so that nothing cancels by chance. A posterior stays as wide as its
/// prior, or the weights of its draws would have no variance.
void disturb(Head& head, double size) {
  torch::NoGradGuard no_gradient;
  for (auto& item : head.named_parameters()) {
    const bool encoder = item.key().find("encoder") != std::string::npos;
    if (encoder) item.value().mul_(0.3);
    if (!encoder) item.value().add_(size * torch::randn_like(item.value()));
  }
}

/// [repeats]: the integral of exp(log_prob) over the plane, and over it times tanh(z_0), as far as
/// draws tell.
std::pair<Tensor, Tensor> integrals(const Distribution& p, int64_t repeats) {
  const int64_t n = 60;
  const double reach = 9, cell = 2 * reach / n;
  const auto line = (torch::arange(n) + 0.5) * cell - reach;
  const auto grid = torch::cartesian_prod({line, line});
  std::vector<Tensor> masses, means;
  for (int64_t i = 0; i < repeats; ++i) {
    const auto mass = p.log_prob(grid).exp() * cell * cell;
    masses.push_back(mass.sum());
    means.push_back((mass * grid.select(1, 0).tanh()).sum());
  }
  return {torch::stack(masses), torch::stack(means)};
}

double standard_error(const Tensor& draws) {
  return draws.std().item<double>() / std::sqrt(static_cast<double>(draws.numel()));
}

TEST_CASE("in evaluation a prior's bound is the log of a weight that integrates to one") {
  torch::NoGradGuard no_gradient;
  for (const auto& declared : bound_priors()) {
    CAPTURE(declared.dump());
    const auto head = make_prior(declared, {2});
    disturb(*head, 0.1);
    head->eval();
    const auto p = (*head)(Tensor());
    const auto [mass, mean] = integrals(*p, 120);
    CHECK(std::abs(mass.mean().item<double>() - 1) <
          kStandardErrors * standard_error(mass) + kPlaneIntegral);
    // Its draws are of that density.
    const auto x = p->sample({20000}).select(1, 0).tanh();
    CHECK(std::abs(x.mean().item<double>() - mean.mean().item<double>()) <
          kStandardErrors * (standard_error(x) + standard_error(mean)) + kPlaneIntegral);
  }
}

TEST_CASE("in training a prior's bound is below its log density, on average the bound it states") {
  torch::NoGradGuard no_gradient;
  constexpr int64_t kDraws = 4000;
  for (const auto& declared : bound_priors()) {
    CAPTURE(declared.dump());
    const auto head = make_prior(declared, {2});
    disturb(*head, 0.1);
    const auto p = (*head)(Tensor());
    const auto z = torch::tensor({0.7f, -0.4f}).expand({kDraws, 2});
    const auto fast = p->log_prob(z);
    head->eval();
    const auto whole = p->log_prob(z);
    const double log_p = whole.logsumexp(0).item<double>() - std::log(kDraws);
    const double error = standard_error(whole.exp() / whole.exp().mean());
    CHECK(fast.mean().item<double>() < log_p + kStandardErrors * (error + standard_error(fast)));
    CHECK(std::abs(fast.mean().item<double>() - whole.mean().item<double>()) <
          kStandardErrors * (standard_error(fast) + standard_error(whole)));
  }
}

TEST_CASE("a diffusion starts in the units of the codes, and keeps a normal in few steps") {
  auto declared = small_diffusion(200);
  declared["weighting"] = "simple";
  const Shape shape{2, 4, 4};
  const auto head = make_prior(declared, shape);
  torch::NoGradGuard no_gradient;
  // Without a network the noise seen is a standard normal's own.
  for (auto& p : head->named_parameters()) {
    if (p.key().find("network") != std::string::npos) p.value().zero_();
    if (p.key().ends_with("spread")) p.value().fill_(20);
  }
  RandomScope scope(2);
  const auto centre = torch::tensor({3.0F, -1.0F}).view({1, 2, 1, 1});
  const auto spread = torch::tensor({2.0F, 0.5F}).view({1, 2, 1, 1});
  for (const auto& module : head->modules()) {
    auto* part = dynamic_cast<StartsFromCodes*>(module.get());
    if (part) part->start(centre + spread * torch::randn({512, 2, 4, 4}));
  }
  for (const int64_t steps : {0, 50}) {
    CAPTURE(steps);
    const ChainSteps chain(steps);
    const auto z = (*head)(Tensor())->sample({512});
    CHECK_CLOSE(z.mean({0, 2, 3}), centre.flatten(), kCodeMoments / 2);
    CHECK_CLOSE(z.std({0, 2, 3}, true) / spread.flatten(), torch::ones({2}), kOneDrawOf200Rows);
  }
}

TEST_CASE("few steps of a diffusion add no noise on the way") {
  const auto head = make_prior(small_diffusion(20), {3});
  torch::NoGradGuard no_gradient;
  const auto drawn = [&](int64_t steps) {
    const ChainSteps chain(steps);
    const RandomScope scope(4);
    const auto z = (*head)(Tensor())->sample({2});
    return std::pair(z, torch::rand({1}).item<float>());
  };
  const RandomScope scope(4);
  (void)torch::randn({2, 3});
  const float next = torch::rand({1}).item<float>();
  CHECK(drawn(5).second == next);
  CHECK(drawn(0).second != next);
  CHECK(!drawn(5).first.equal(drawn(20).first));
}

TEST_CASE("equal weights of noise levels train the network and leave the units") {
  auto declared = small_diffusion(20);
  declared["weighting"] = "simple";
  const auto head = make_prior(declared, {3});
  head->train();
  (*head)(Tensor())->log_prob(torch::randn({16, 3})).mean().backward();
  for (const auto& p : head->named_parameters()) {
    CAPTURE(p.key());
    const bool unit =
        p.key().find("loc") != std::string::npos || p.key().find("log_scale") != std::string::npos;
    CHECK(p.value().grad().defined() != unit);
  }
}

TEST_CASE("a diffusion that has learned nothing is a standard normal") {
  torch::NoGradGuard no_gradient;
  const Json unet{{"type", "unet"}, {"channels", {4, 6}}};
  const std::vector<std::pair<Json, Shape>> cases{{tiny_mlp(), {4}}, {unet, {1, 2, 2}}};
  for (const auto& [network, shape] : cases) {
    CAPTURE(network.dump());
    const auto head = make_prior(small_diffusion(20, network), shape);
    for (auto& item : head->named_parameters()) {
      if (item.key().find("network.out") != std::string::npos) item.value().zero_();
      if (item.key().ends_with("spread")) item.value().fill_(20);
    }
    head->eval();
    const auto p = (*head)(Tensor());
    const auto z = torch::tensor({0.5f, -1.0f, 2.0f, 0.3f}).view(with_rows(1, shape));
    const auto bound = p->row_log_prob(z.expand(with_rows(4000, shape)));
    const double exact = StandardNormal(shape).row_log_prob(z).item<double>();
    CHECK(std::abs(bound.mean().item<double>() - exact) <
          kStandardErrors * standard_error(bound) + kChainNats);
    const auto x = p->sample({4000});
    CHECK(Shape(x.sizes().begin(), x.sizes().end()) == with_rows(4000, shape));
    CHECK(std::abs(x.mean().item<double>()) < kStandardErrors / std::sqrt(16000.0));
    CHECK(std::abs(x.var().item<double>() - 1) <
          kStandardErrors * std::sqrt(2 / 16000.0) + kChainNats);
  }
}

TEST_CASE("a second stage's prior describes codes better than a standard normal") {
  const Json wide{{"type", "mlp"}, {"hidden", {64, 64}}, {"init", "he"}};
  for (const auto& declared : {small_diffusion(50, wide), Json("vae"), Json("mixture")}) {
    CAPTURE(declared.dump());
    seed_torch(5);
    auto spec = toy_spec({{"objective", {{"type", "two_stage"}, {"beta", 0.1}}}});
    spec["prior"] = declared;
    spec["latent"]["size"] = 2;
    spec["likelihood"] = "bernoulli";
    DataOptions rows;
    rows.rows = 1000;
    Toy toy(spec, open_data("builtin:codes", rows));
    toy.train(400, 0.005);
    const auto terms = toy.validate();
    torch::NoGradGuard no_gradient;
    RandomScope scope(5);
    toy.model->eval();
    const auto first = toy.objective->loss({*toy.model, toy.all(), kEndOfTraining});
    CHECK(part(terms, "kl") < part(first, "kl_to_normal") - kSecondStageNats);
    CHECK(part(terms, "kl") > 0);
  }
}

TEST_CASE("a prior by its bound says where it cannot stand") {
  for (const auto& declared : bound_priors()) {
    Context at{{{2}, Kind::kReal, Json::object()}, {}};
    at.data.x = at.variable;
    CHECK_THROWS_WITH_AS(make_head(at, declared), doctest::Contains("as a prior"), Error);
    at = {{{2}, Kind::kBinary, Json::object()}, {}};
    CHECK_THROWS_AS(heads().make(at, declared), Error);
  }
}

}  // namespace
}  // namespace elbo
