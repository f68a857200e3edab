#include <doctest/doctest.h>

#include "elbo/core/random.h"
#include "elbo/data/open.h"
#include "elbo/eval/density.h"
#include "elbo/train/trainer.h"
#include "latents_table.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

Data codes(const char* split, int64_t rows) {
  DataOptions reading;
  reading.split = split;
  reading.rows = rows;
  return open_data("builtin:codes", reading);
}

std::shared_ptr<Model> trained_model(const Json& latent, const Data& data, int64_t steps) {
  seed_torch(0);
  const auto [model, objective] = assemble(small_spec(latent), data->schemas(), data->size());
  TrainOptions options;
  options.steps = steps;
  options.epochs = 1000;
  options.batch = 100;
  options.lr = Schedule("cosine(0.01, 0.001, " + std::to_string(steps) + ")");
  Trainer(model, objective, options).fit(data, nullptr);
  model->eval();
  return model;
}

/// The rows with all labels hidden but every n-th.
Data mostly_unlabelled(const Data& data, int64_t every) {
  const auto batch = data->get(torch::arange(data->size()));
  Arrays arrays;
  arrays.x = batch.x;
  arrays.schemas = data->schemas();
  const auto row = torch::arange(data->size());
  arrays.y =
      torch::where(row.remainder(every) == every - 1, batch.y, torch::full_like(batch.y, -1));
  return in_memory(arrays);
}

/// Mean log density of rows of builtin:gaussian under the process that made them.
double linear_evidence(const Dataset& data) {
  const auto& detail = data.schemas().x.detail;
  std::vector<double> w;
  for (const auto& row : detail["W"]) w.insert(w.end(), row.begin(), row.end());
  const auto W = torch::tensor(w, torch::kFloat64).view({8, 2});
  const auto mean = torch::tensor(detail["mean"].get<std::vector<double>>(), torch::kFloat64);
  const double sigma = detail["sigma"];
  const auto covariance = W.mm(W.t()) + sigma * sigma * torch::eye(8, torch::kFloat64);
  const auto x = data.get(torch::arange(data.size())).x.to(torch::kFloat64) - mean;
  const auto distance = (x.mm(covariance.inverse()) * x).sum(1).mean();
  const auto log_det = (2 * M_PI * covariance).logdet();
  return (-0.5 * (distance + log_det)).item<double>();
}

TEST_CASE("bounds of trained_model latents keep above the entropy of the data and come near it") {
  const auto train = codes("train", 4000), test = codes("test", 1000);
  const double entropy = test->schemas().x.detail["entropy"];
  const Json flat{{"type", "flat"}, {"size", 2}};
  const Json book{
      {"type", "quantized"}, {"codes", 8}, {"size", 4}, {"positions", 1}, {"window", 800}};
  const std::vector<std::pair<Json, double>> cases{
      {{{"type", "ladder"}, {"sizes", {4, 2}}, {"widths", {32}}}, kShortTrainingNats},
      {book, kShortTrainingNats},
      {{{"type", "labelled"},
        {"size", 2},
        {"classes", 8},
        {"labels", false},
        {"features", 32},
        {"joint", small_mlp()}},
       kShortTrainingNats},
      {{{"type", "product"}, {"parts", {flat, flat}}}, kShortTrainingNats}};
  for (const auto& [latent, near] : cases) {
    CAPTURE(latent.dump());
    auto model = trained_model(latent, train, 1000);
    // Labels would make it the joint density of x and y.
    const auto hidden = mostly_unlabelled(test, 1 << 20);
    EvaluateOptions options;
    options.draws = 50;
    const auto result = evaluate_density(*model, *hidden, options, [](double) {});
    const double bound = result["negative_elbo"], importance = result["negative_log_likelihood"];
    const double error = result["negative_log_likelihood_standard_error"];
    MESSAGE(latent["type"], ": -ELBO ", bound, ", IWAE-50 ", importance, ", entropy ", entropy);
    CHECK(importance <= bound + kStandardErrors * error);
    CHECK(importance >= entropy - kStandardErrors * error);
    CHECK(importance <= entropy + near);
  }
}

TEST_CASE("a twentieth of the labels teaches M2 the classes") {
  const auto train = mostly_unlabelled(codes("train", 4000), 20);
  const auto test = codes("test", 1000);
  const auto batch = test->get(torch::arange(test->size()));
  for (const int64_t auxiliary : {0, 4}) {
    CAPTURE(auxiliary);
    auto model = trained_model({{"type", "labelled"},
                                {"size", 2},
                                {"features", 32},
                                {"joint", small_mlp()},
                                {"auxiliary", auxiliary}},
                               train, 800);
    torch::NoGradGuard no_gradient;
    const auto q = model->latent->class_probs(batch);
    CHECK_CLOSE(q.sum(1), torch::ones({batch.size()}), kLayerFloat);
    const double accuracy = (q.argmax(1) == batch.y).to(torch::kFloat32).mean().item<double>();
    MESSAGE("accuracy ", accuracy);
    CHECK(accuracy > 0.9);
    // Fixing the class generates it: the drawn rows are classified as what was asked for.
    Batch drawn;
    drawn.x = model->generate(200, Tensor(), {{"y", torch::full({1}, 2.0)}}).x->sample();
    const auto found = model->latent->class_probs(drawn).argmax(1);
    CHECK((found == 2).to(torch::kFloat32).mean().item<double>() > 0.9);
  }
}

TEST_CASE("log p(x) of an unknown class is the sum of the classes' log p(x, y)") {
  const auto data = codes("test", 40);
  const auto spec = resolve(
      small_spec({{"type", "labelled"}, {"size", 2}, {"features", 8}, {"joint", small_mlp()}}),
      data->schemas());
  auto model = build(spec, data->schemas());
  model->eval();
  torch::NoGradGuard no_gradient;
  auto batch = data->get(torch::arange(40));
  const auto with_class = [&](int64_t y) {
    batch.y = torch::full({40}, y, torch::kInt64);
    RandomScope same(7);
    return importance_log_prob(*model, batch, 20, 20);
  };
  std::vector<Tensor> joint;
  for (int64_t y = 0; y < 8; ++y) joint.push_back(with_class(y));
  CHECK_CLOSE(with_class(-1), torch::stack(joint).logsumexp(0), kLayerFloat);
}

TEST_CASE("the bound of an unknown class is M2's formula, summed over the classes by hand") {
  const auto data = codes("test", 30);
  const auto spec = small_spec(
      {{"type", "labelled"}, {"size", 2}, {"features", 8}, {"joint", small_mlp()}, {"alpha", 3}});
  const auto [model, objective] = assemble(spec, data->schemas(), 30);
  model->eval();
  torch::NoGradGuard no_gradient;
  auto batch = data->get(torch::arange(30));
  const auto truth = batch.y;
  const auto q = model->latent->class_probs(batch);  // [B, K]
  const auto loss = [&, model = model, objective = objective](const Tensor& y) {
    batch.y = y;
    RandomScope same(7);
    return objective->loss({*model, batch, 0}).loss.item<double>();
  };
  // U(x) = sum_y q(y|x) (L(x, y) + log q(y|x)): L(x, y) is the loss of a row labelled y but for
  // the classifier's cost.
  RandomScope scope(7);
  batch.y = torch::full_like(truth, -1);
  const auto inference = model->infer(batch, 1);
  const auto minus_bound = kl(inference.trace, 30) - log_likelihood(inference, batch);  // [K, B]
  const double by_hand = (q.t() * minus_bound).sum(0).mean().item<double>();
  CHECK_CLOSE(loss(torch::full_like(truth, -1)), by_hand, kLayerFloat);
  const auto log_q = q.log();
  const auto L = minus_bound - log_q.t();  // of [K, B]
  const auto own = L.gather(0, truth.unsqueeze(0)).squeeze(0);
  const auto cost = -3 * log_q.gather(1, truth.unsqueeze(1)).squeeze(1);
  CHECK_CLOSE(loss(truth), (own + cost).mean().item<double>(), kLayerFloat);
}

TEST_CASE("a ladder on linear-Gaussian data keeps below the exact evidence and comes near it") {
  DataOptions reading;
  reading.rows = 2000;
  const auto train = open_data("builtin:gaussian", reading);
  reading.split = "test";
  reading.rows = 500;
  const auto test = open_data("builtin:gaussian", reading);
  auto model =
      trained_model({{"type", "ladder"}, {"sizes", {3, 2}}, {"widths", {32}}}, train, 1000);
  EvaluateOptions options;
  options.draws = 50;
  const auto result = evaluate_density(*model, *test, options, [](double) {});
  const double importance = result["negative_log_likelihood"];
  const double error = result["negative_log_likelihood_standard_error"];
  const double exact = -linear_evidence(*test);
  MESSAGE("-ELBO ", result["negative_elbo"].get<double>(), ", IWAE-50 ", importance, ", exact ",
          exact);
  CHECK(importance <= result["negative_elbo"].get<double>() + kStandardErrors * error);
  // The same rows on both sides: what differs is the model, not the draw of the data.
  CHECK(importance >= exact - kModelBeatsTruthNats);
  CHECK(importance <= exact + kShortTrainingNats);
}

}  // namespace
}  // namespace elbo
