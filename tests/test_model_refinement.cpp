#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "elbo/core/random.h"
#include "elbo/eval/annealed.h"
#include "elbo/eval/density.h"
#include "elbo/model/objective.h"
#include "elbo/model/refinement.h"
#include "elbo/model/spec.h"
#include "near.h"
#include "tolerance.h"

// Posteriors of single rows and annealed chains, against the exact evidence of linear models.

namespace elbo {
namespace {

constexpr int64_t kRefinedWidth = 6, kRefinedRows = 20;

/// x = W z + b + noise, with an encoder that has learned nothing.
std::shared_ptr<Model> linear_model(int64_t size, Schemas& schemas,
                                    const Json& encoder = {{"type", "mlp"}, {"hidden", {8}}},
                                    const Json& posterior = "normal") {
  seed_torch(8);
  schemas.x = {{kRefinedWidth}, Kind::kReal, Json::object()};
  auto spec = default_spec();
  spec.merge_patch({{"latent", {{"type", "flat"}, {"size", size}}},
                    {"encoder", encoder},
                    {"posterior", posterior},
                    {"decoder", {{"type", "mlp"}, {"hidden", Json::array()}}},
                    {"likelihood", {{"type", "normal"}, {"scale", 0.4}}}});
  auto model = build(resolve(spec, schemas), schemas);
  model->eval();
  return model;
}

/// [B] log p(x), from what the decoder says at the origin and at the units of z.
Tensor evidence_of(Model& model, int64_t size, const Tensor& x) {
  const auto at = [&](const Tensor& z) { return model.decode(z); };
  const auto origin = at(torch::zeros({1, size}));
  const auto b = origin->mean().to(torch::kFloat64);
  const auto w = at(torch::eye(size))->mean().to(torch::kFloat64) - b;  // [size, D]
  const auto deviation = origin->stddev().to(torch::kFloat64).expand_as(b).squeeze(0);
  const auto covariance = w.t().mm(w) + torch::diag(deviation.square());
  const auto d = x.to(torch::kFloat64) - b;
  const auto distance = (d.mm(covariance.inverse()) * d).sum(1);
  return -0.5 * (distance + (2 * M_PI * covariance).logdet());
}

Batch linear_rows(Model& model) {
  torch::NoGradGuard no_gradient;
  seed_torch(9);
  Batch rows;
  rows.x = model.generate(kRefinedRows).x->sample();
  return rows;
}

TEST_CASE("a refined posterior of a linear model is the exact one, and the bound the evidence") {
  Schemas schemas;
  const auto model = linear_model(1, schemas);
  const auto rows = linear_rows(*model);
  torch::NoGradGuard no_gradient;
  const auto exact = evidence_of(*model, 1, rows.x);
  seed_torch(1);
  const auto plain = importance_log_prob(*model, rows, 8, 8);
  {
    const Refinement refined(*model, rows, 1500);
    CHECK((refined.after() >= refined.before()).all().item<bool>());
    CHECK_CLOSE(importance_log_prob(*model, rows, 8, 8).to(torch::kFloat64), exact, kExactNats);
    CHECK((refined.after().to(torch::kFloat64) <= exact + kRefinedNats).all().item<bool>());
    CHECK_CLOSE(refined.after().to(torch::kFloat64), exact, kRefinedNats);
  }
  CHECK((plain.to(torch::kFloat64) - exact).abs().max().item<double>() > 10 * kExactNats);
  // Without steps, and afterwards, nothing is added.
  seed_torch(1);
  const Refinement none(*model, rows, 0);
  CHECK_CLOSE(importance_log_prob(*model, rows, 8, 8), plain, 0);
  for (const auto& parameter : model->parameters()) CHECK(parameter.requires_grad());
}

TEST_CASE("a posterior of several normals weighs its draws by all of them, and can be refined") {
  Schemas schemas;
  const auto model = linear_model(1, schemas, {{"type", "mlp"}, {"hidden", {8}}},
                                  {{"type", "mixture"}, {"components", 3}});
  const auto rows = linear_rows(*model);
  torch::NoGradGuard no_gradient;
  const auto exact = evidence_of(*model, 1, rows.x);
  seed_torch(1);
  const auto found = importance_log_prob(*model, rows, 4000, 1000).to(torch::kFloat64);
  CHECK(std::fabs((found - exact).mean().item<double>()) < kAnnealedNats);
  const Refinement refined(*model, rows, 1500);
  CHECK_CLOSE(refined.after().to(torch::kFloat64), exact, kRefinedNats);
}

TEST_CASE("annealed chains from a poor posterior find the evidence") {
  Schemas schemas;
  const auto model = linear_model(3, schemas);
  const auto rows = linear_rows(*model);
  torch::NoGradGuard no_gradient;
  const auto exact = evidence_of(*model, 3, rows.x).mean().item<double>();
  seed_torch(2);
  const auto found = annealed_log_prob(*model, rows, {64, 60, 5}).mean().item<double>();
  CHECK(std::fabs(found - exact) < kAnnealedNats);
}

/// The gradients of a loss by the decoder's parameters, end to end.
Tensor decoder_gradient(Model& model, const Tensor& loss) {
  const auto gradients = torch::autograd::grad({loss}, model.decoder->parameters());
  std::vector<Tensor> flat;
  for (const auto& g : gradients) flat.push_back(g.flatten().to(torch::kFloat64));
  return torch::cat(flat);
}

TEST_CASE("semi-amortized: the decoder follows the gradient of the evidence, without any encoder") {
  Schemas schemas;
  const auto model = linear_model(1, schemas, "constant");
  const auto rows = linear_rows(*model);
  const auto exact = decoder_gradient(*model, -evidence_of(*model, 1, rows.x).mean());
  const Json declared{{"type", "semi_amortized"}, {"steps", 1500}, {"samples", 2000}};
  const auto objective = objectives().make({schemas, {1}, kRefinedRows}, declared);
  const auto players = objective->players(*model);
  REQUIRE(players.size() == 2);
  seed_torch(3);
  const auto away = [&](const Player& player) {
    const auto found = decoder_gradient(*model, player.loss(Step(*model, rows, 0)).loss);
    return ((found - exact).norm() / exact.norm()).item<double>();
  };
  CHECK(away(players[0]) < 0.03);
  CHECK(away(players[1]) > 0.3);  // at the posterior that all rows share
}

}  // namespace
}  // namespace elbo
