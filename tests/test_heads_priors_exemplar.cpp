#include "elbo/data/open.h"
#include "elbo/distributions/continuous.h"
#include "elbo/distributions/normal_mixture.h"
#include "elbo/train/plan.h"
#include "elbo/train/run.h"
#include "files.h"
#include "near.h"
#include "tolerance.h"
#include "toy.h"

namespace elbo {
namespace {

TrainRequest exemplar_request(int64_t steps) {
  TrainRequest request;
  request.data = "builtin:codes";
  request.data_options = {{"rows", 400}};
  request.train_options = {{"steps", steps}, {"lr", 0.01}, {"batch", 50}, {"validation", 0.25}};
  request.model = "exemplar_vae";
  request.settings = {"encoder={\"type\":\"mlp\",\"hidden\":[32]}",
                      "decoder={\"type\":\"mlp\",\"hidden\":[32]}", "latent.size=2",
                      "prior.components=40"};
  return request;
}

Run trained_with_exemplars(int64_t steps, const std::string& path) {
  const auto plan = plan_training(exemplar_request(steps));
  auto run = Run::create(path, plan.facts, plan.schemas, false);
  fit(run, {});
  return run;
}

Tensor exemplars_of(const Model& model) {
  for (const auto& item : model.named_buffers()) {
    if (item.key().ends_with("exemplars")) return item.value();
  }
  FAIL("no exemplars");
  std::abort();
}

TEST_CASE("exemplars are training rows, each once, and their codes are the prior's centres") {
  const TempFolder folder;
  const auto run = trained_with_exemplars(60, folder.at("run"));
  torch::NoGradGuard no_gradient;
  const auto model = run.load();
  const auto rows = exemplars_of(*model);
  CHECK(rows.size(0) == 40);
  const auto data = run.open_data("train");
  const auto training = split_validation(data, 0.25, 0).first;
  const auto all = training->get(torch::arange(training->size()));
  CHECK((rows.unsqueeze(1) == all.x).all(2).any(1).all().item<bool>());

  Batch batch;
  batch.x = rows;
  const auto centres = model->latent->infer(batch, 0).code;
  const auto z = torch::randn({7, 2});
  double log_scale = 0;
  for (const auto& item : model->named_parameters()) {
    if (item.key() == "latent.prior.log_scale") log_scale = item.value().item<double>();
  }
  const Normal around(centres, Log(torch::full({1}, log_scale)));
  const auto expected = around.log_prob(z.unsqueeze(1)).sum(2).logsumexp(1) - std::log(40.0);
  const auto p = model->latent->generate(7, Tensor(), {{"z", z}}).sites.at(0).log_prior();
  CHECK_CLOSE(p, expected, kFloatSums);
  CHECK(std::abs(log_scale) > 0.01);
}

TEST_CASE("a training row that is an exemplar is judged by the others") {
  const auto logits = torch::tensor({0.0, 0.7, -0.4}), loc = torch::randn({3, 2});
  const auto log_scale = 0.3 * torch::randn({3, 2}), z = torch::randn({4, 2});
  const NormalMixture left(logits, loc, Log(log_scale), torch::tensor({1, -1, 0, 2}));
  const auto found = left.log_prob(z);
  const NormalMixture all(logits, loc, Log(log_scale));
  for (int64_t row = 0; row < 4; ++row) {
    CAPTURE(row);
    const int64_t own = left.left_out[row].item<int64_t>();
    std::vector<int64_t> others;
    for (int64_t k = 0; k < 3; ++k) {
      if (k != own) others.push_back(k);
    }
    const auto pick = torch::tensor(others);
    const NormalMixture rest(logits.index_select(0, pick), loc.index_select(0, pick),
                             Log(log_scale.index_select(0, pick)));
    CHECK_CLOSE(found[row], rest.log_prob(z[row]), kFloatSums);
  }

  const TempFolder folder;
  const auto run = trained_with_exemplars(5, folder.at("run"));
  const auto model = run.load();
  torch::NoGradGuard no_gradient;
  const auto training = split_validation(run.open_data("train"), 0.25, 0).first;
  Tensor places;
  for (const auto& item : model->named_buffers()) {
    if (item.key() == "latent.prior.rows") places = item.value();
  }
  auto batch = training->get(places.narrow(0, 0, 3));
  CHECK_CLOSE(batch.x, exemplars_of(*model).narrow(0, 0, 3), 0);
  const auto prior_of = [&] { return model->latent->infer(batch, 0).sites.at(0).log_prior(); };
  const auto with = prior_of();
  batch.rows = places.narrow(0, 0, 3);
  CHECK((prior_of() < with).all().item<bool>());
  batch.rows = torch::full({3}, 100000);
  CHECK_CLOSE(prior_of(), with, kFloatSums);
}

TEST_CASE("a resumed training keeps the exemplars that it began with") {
  const TempFolder folder;
  const auto whole = trained_with_exemplars(8, folder.at("whole"));
  auto half = trained_with_exemplars(4, folder.at("half"));
  auto facts = half.facts();
  facts["train"]["steps"] = 8;
  half.set_facts(facts);
  fit(half, {});
  const auto a = weights_of(*whole.load()), b = weights_of(*half.load());
  for (size_t i = 0; i < a.size(); ++i) CHECK(a[i].second.equal(b[i].second));
}

}  // namespace
}  // namespace elbo
