#include <doctest/doctest.h>

#include "elbo/core/random.h"
#include "elbo/latents/column_states.h"
#include "elbo/model/knows_missing.h"
#include "files.h"
#include "near.h"
#include "open_with.h"
#include "tolerance.h"
#include "toy.h"

// Columns one after another, against enumeration.

namespace elbo {
namespace {

Json chain_spec() {
  Json spec = default_spec();
  spec.merge_patch({{"latent", {{"type", "chain"}, {"hidden", 32}, {"size", nullptr}}},
                    {"decoder", {{"type", "identity"}}},
                    {"likelihood", {{"type", "given_states"}}}});
  return spec;
}

/// Whole numbers and a class: the number decides the class, which is sometimes missing.
Data numbers_and_classes(const TempFolder& folder, bool holes) {
  RandomScope scope(4);
  std::string text = "n,w,b\n";
  for (int64_t i = 0; i < 600; ++i) {
    const auto n = torch::randint(1, 400, {1}).item<int64_t>();
    const bool hole = holes && n > 300;
    text += std::to_string(n) + ',' +
            (hole      ? ""
             : n > 200 ? "high"
             : n > 100 ? "mid"
                       : "low") +
            ',' + (torch::rand({1}).item<float>() < 0.5 ? "yes" : "no") + '\n';
  }
  return open_with(folder.file("rows.csv", text));
}

/// A model that has seen its rows.
Toy chain_of(Data data) {
  Toy toy(chain_spec(), std::move(data));
  show_training(*toy.model, *toy.data);
  return toy;
}

/// The same with weights that make every column depend on those before it.
Toy drawn_chain_of(Data data) {
  auto toy = chain_of(std::move(data));
  torch::NoGradGuard no_gradient;
  for (auto& weight : toy.model->latent->prior_parameters()) {
    weight += 0.2 * torch::randn_like(weight);
  }
  toy.model->eval();
  return toy;
}

Tensor log_p_of(Model& model, const Batch& batch, int64_t samples = 1) {
  const torch::NoGradGuard no_gradient;
  return log_ratio(model.infer(batch, samples), batch);
}

TEST_CASE("a chain of columns is a likelihood: its rows have probabilities that sum to 1") {
  seed_torch(1);
  const TempFolder folder;
  auto toy = drawn_chain_of(numbers_and_classes(folder, false));
  const auto n = torch::arange(1, 400, torch::kFloat32), three = torch::arange(3, torch::kFloat32),
             two = torch::arange(2, torch::kFloat32);
  Batch every;
  every.x = torch::cartesian_prod({n, three, two});
  const double sum = log_p_of(*toy.model, every).exp().to(torch::kFloat64).sum().item<double>();
  // The rest lies beyond the values that training saw.
  CHECK(sum <= 1 + kIntegral);
  CHECK(sum >= 1 - 2.0 / 600 - kIntegral);
}

TEST_CASE("a column of a chain knows nothing of those after it, nor of other rows") {
  seed_torch(2);
  const TempFolder folder;
  auto toy = drawn_chain_of(numbers_and_classes(folder, false));
  const torch::NoGradGuard no_gradient;
  const auto log_p_columns = [&](const Tensor& x) {
    Batch batch;
    batch.x = x;
    const auto trace = toy.model->infer(batch).trace;
    return trace.sites[0].prior->log_prob(trace.sites[0].value);
  };
  const auto x = toy.all().x.slice(0, 0, 40).clone();
  const auto before = log_p_columns(x);
  for (int64_t j = 0; j < 3; ++j) {
    auto changed = x.clone();
    changed.select(1, j) = x.select(1, j).roll(1);
    const auto after = log_p_columns(changed);
    CHECK_CLOSE(after.slice(1, 0, j), before.slice(1, 0, j), kGoldenFloat);
    // What comes after does depend on it.
    if (j < 2) CHECK((after - before).slice(1, j + 1).abs().max().item<float>() > 1e-3);
  }
  CHECK_CLOSE(log_p_columns(x.slice(0, 3, 4)), before.slice(0, 3, 4), kGoldenFloat);
}

TEST_CASE("fewer units than columns still tell a column of the one right before it") {
  seed_torch(5);
  ColumnPlan plan;
  plan.symbols.assign(9, 2);
  plan.scored.assign(9, false);
  plan.hidden = 3;
  ColumnNet net(plan);
  const torch::NoGradGuard no_gradient;
  const auto symbols = torch::zeros({2, 9}, torch::kInt64), scores = torch::zeros({2, 9});
  symbols[1][7] = 1;
  const auto features = net.features(symbols, scores);
  const auto change = [&](int64_t column) {
    const auto logits = net.logits(features, column);
    return (logits[0] - logits[1]).abs().max().item<float>();
  };
  CHECK(change(8) > 0);
  for (int64_t j = 0; j <= 7; ++j) CHECK(change(j) == 0);
}

TEST_CASE("hidden columns of a chain are weighed without bias by what stands after them") {
  seed_torch(3);
  const TempFolder folder;
  auto toy = drawn_chain_of(numbers_and_classes(folder, false));
  Batch batch = toy.data->get(torch::arange(8));
  Batch each;
  each.x = batch.x.repeat_interleave(3, 0);
  each.x.select(1, 1) = torch::arange(3).repeat({8});
  const auto summed = log_p_of(*toy.model, each).view({8, 3}).logsumexp(1);
  batch.mask = torch::ones_like(batch.x);
  batch.mask.select(1, 1).zero_();
  const auto weights = log_p_of(*toy.model, batch, 20000).exp();  // [S, B]
  const auto error = weights.std(0) / std::sqrt(20000.0);
  CHECK(((weights.mean(0) - summed.exp()).abs() < 4 * error + 1e-9).all().item<bool>());
  CHECK(weights.std(0).max().item<float>() > 0);
}

TEST_CASE("a trained chain draws rows like those it saw, and cells that are missing as there") {
  seed_torch(4);
  const TempFolder folder;
  auto toy = chain_of(numbers_and_classes(folder, true));
  toy.train(400, 0.01, 128);
  toy.model->eval();
  const torch::NoGradGuard no_gradient;
  const auto made = toy.model->generate(4000);
  const auto x = made.x->sample();
  const auto missing = draw_missing(*toy.model->latent, made.trace);
  const auto n = x.select(1, 0), absent = missing.select(1, 1);
  CHECK(missing.select(1, 0).logical_not().all().item<bool>());
  CHECK_CLOSE((n > 300).to(torch::kFloat32).mean(),
              (toy.all().x.select(1, 0) > 300).to(torch::kFloat32).mean(), 0.06);
  CHECK((absent == (n > 300)).to(torch::kFloat32).mean().item<float>() > 0.93);
  const auto low = x.index_select(0, (n <= 95).nonzero().flatten()).select(1, 1);
  CHECK(low.eq(std::get<0>(low.mode())).to(torch::kFloat32).mean().item<float>() > 0.93);
  // What is judged is the data alone, whether or not other cells are missing.
  auto batch = toy.all();
  CHECK(log_p_of(*toy.model, batch).isfinite().all().item<bool>());
}

TEST_CASE("a chain is refused where decoder and likelihood do not pass its states on") {
  const TempFolder folder;
  const auto data = numbers_and_classes(folder, false);
  auto spec = chain_spec();
  spec["decoder"] = {{"type", "mlp"}};
  CHECK_THROWS_WITH_AS(build(resolve(spec, data->schemas()), data->schemas()),
                       doctest::Contains("expected \"identity\""), Error);
  spec = chain_spec();
  spec["likelihood"] = {{"type", "table"}};
  CHECK_THROWS_AS(build(resolve(spec, data->schemas()), data->schemas()), Error);
}

}  // namespace
}  // namespace elbo
