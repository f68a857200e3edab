#include <doctest/doctest.h>

#include <cmath>

#include "elbo/data/open.h"
#include "elbo/eval/density.h"
#include "near.h"
#include "tolerance.h"
#include "toy.h"

namespace elbo {
namespace {

Json leaping_spec(const char* latent) {
  Json spec = toy_spec();
  spec["latent"] = {{"type", latent}, {"size", 2}};
  spec["likelihood"] = "bernoulli";
  if (spec["latent"]["type"] == "hamiltonian") {
    spec["latent"]["leaps"] = 4;
    spec["latent"]["step"] = 0.1;
    spec["latent"]["temper"] = 0.6;
  }
  return spec;
}

/// A flat model and the same with leaps after its posterior.
struct TwoModels {
  Data data;
  Toy flat, leaping;
  TwoModels()
      : data([] {
          DataOptions options;
          options.rows = 600;
          return open_data("builtin:codes", options);
        }()),
        flat(leaping_spec("flat"), data),
        leaping(leaping_spec("hamiltonian"), data) {
    torch::NoGradGuard no_gradient;
    for (auto& p : flat.model->decoder->parameters()) p.mul_(2);
    const auto known = flat.model->named_parameters();
    for (auto& item : leaping.model->named_parameters()) {
      std::string name = item.key();
      if (name.starts_with("latent.start.")) name = "latent." + name.substr(13);
      const auto* own = known.find(name);
      if (own) item.value().copy_(*own);
    }
  }
};

double mean_bound(Model& model, const Batch& batch, int64_t draws) {
  return log_ratio(model.infer(batch, draws), batch).mean().item<double>();
}

TEST_CASE("leaps move draws and keep the evidence: volume, tempering and momentum cancel") {
  torch::NoGradGuard no_gradient;
  seed_torch(4);
  TwoModels pair;
  const auto batch = pair.data->get(torch::arange(10));
  pair.flat.model->eval();
  pair.leaping.model->eval();
  const auto plain = importance_log_prob(*pair.flat.model, batch, 20000, 5000);
  const auto leapt = importance_log_prob(*pair.leaping.model, batch, 20000, 5000);
  CHECK((plain - leapt).abs().max().item<double>() < kImportanceBlocksNats);
  CHECK(plain.std().item<double>() > 0.5);
}

TEST_CASE("leaps along the gradient make a poor posterior a better one") {
  torch::NoGradGuard no_gradient;
  seed_torch(4);
  TwoModels pair;
  for (auto* toy : {&pair.flat, &pair.leaping}) {
    for (auto& p : toy->model->decoder->parameters()) p.mul_(1.5);
  }
  const auto batch = pair.data->get(torch::arange(100));
  const double gain =
      mean_bound(*pair.leaping.model, batch, 50) - mean_bound(*pair.flat.model, batch, 50);
  CHECK(gain > 0.1);
}

TEST_CASE("steps and tempering are learned with the rest") {
  seed_torch(4);
  TwoModels pair;
  const auto before = copies(named_tensors(*pair.leaping.model, *pair.leaping.objective));
  const double loss = pair.leaping.validate().loss.item<double>();
  pair.leaping.train(30);
  CHECK(pair.leaping.validate().loss.item<double>() < loss);
  const auto after = named_tensors(*pair.leaping.model, *pair.leaping.objective);
  for (size_t i = 0; i < after.size(); ++i) {
    CAPTURE(after[i].first);
    if (after[i].second.requires_grad()) CHECK_FALSE(after[i].second.equal(before[i]));
  }
}

TEST_CASE("leaps need the likelihood of a whole model and a step that can be learned") {
  const Json part{{"type", "hamiltonian"}, {"size", 2}};
  auto spec = toy_spec();
  spec["latent"] = {{"type", "product"}, {"parts", {part, part}}};
  Toy toy(spec, toy_table());
  CHECK_THROWS_WITH_AS(toy.validate(), doctest::Contains("cannot be part of a product"), Error);
  spec["latent"] = {{"type", "hamiltonian"}, {"step", 0.5}, {"most_step", 0.5}};
  CHECK_THROWS_WITH_AS(Toy(spec, toy_table()), doctest::Contains("below most_step"), Error);
}

}  // namespace
}  // namespace elbo
