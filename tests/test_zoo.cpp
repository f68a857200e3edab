#include <unistd.h>

#include <filesystem>

#include "elbo/data/builtin.h"
#include "elbo/data/open.h"
#include "elbo/eval/density.h"
#include "elbo/io/safetensors.h"
#include "elbo/model/sees_training.h"
#include "elbo/train/plan.h"
#include "near.h"
#include "shrink.h"
#include "tolerance.h"
#include "toy.h"

// What every model of the zoo must hold on data that it takes, with its networks made small.

namespace elbo {
namespace {

constexpr int64_t kZooRows = 128, kBatch = 16, kSteps = 50, kEntropySteps = 200;
constexpr int64_t kWidest = 32;  // of a shrunken network

using Named = std::vector<std::pair<std::string, Tensor>>;

/// A model of the zoo as it stands before training: the same each time it is made.
struct Entry {
  Data data;
  TrainOptions options;
  std::shared_ptr<Model> model;
  std::shared_ptr<Objective> objective;

  Entry(const std::string& name, Data rows, uint64_t seed = 1) : data(std::move(rows)) {
    auto spec = model_spec(name);
    options = read_options<TrainOptions>(spec.value("train", Json::object()), "train");
    options.batch = kBatch;
    options.lr = 0.002;
    spec.erase("train");
    spec = with_small_networks(spec, kWidest);
    const auto schemas = data->schemas();
    auto resolved = resolve(spec, schemas);
    CHECK(resolve(resolved, schemas) == resolved);
    resolve_epochs(resolved, static_cast<double>(kZooRows / kBatch));
    RandomScope scope(seed);
    auto made = assemble(resolved, schemas, kZooRows);
    model = std::move(made.model);
    objective = std::move(made.objective);
    show_training(*objective, *data);
  }

  Named named() const { return named_tensors(*model, *objective); }
  Batch all() const { return data->get(torch::arange(kZooRows)); }
  /// What must fall: the loss of all rows, with schedules where training ends. A critic that learns
  /// moves its opponent's loss either way; there it is the reconstruction.
  double loss() {
    torch::NoGradGuard no_gradient;
    RandomScope scope(3);
    const EvaluationScope model_scope(*model), objective_scope(*objective);
    const auto terms = objective->loss({*model, all(), kSteps});
    return objective->parameters().empty() ? terms.loss.item<double>()
                                           : part(terms, "reconstruction");
  }
  Trainer::State train(int64_t steps, const Trainer::State* from = nullptr) {
    options.steps = steps;
    Trainer trainer(model, objective, options);
    if (from) trainer.restore(*from);
    trainer.fit(data, nullptr);
    return trainer.state();
  }
};

/// Made data, each also with its labels as the condition.
const std::vector<std::pair<std::string, Data>>& data_sets() {
  static const auto sets = [] {
    std::vector<std::pair<std::string, Data>> list;
    DataOptions options;
    options.rows = kZooRows;
    std::vector<std::string> names{"codes", "digits"};
    for (const auto& made : builtins().entries()) {
      if (made.name != "codes" && made.name != "digits") names.push_back(made.name);
    }
    for (const auto& name : names) list.emplace_back(name, open_data("builtin:" + name, options));
    for (size_t i = 0; i < 2; ++i) {
      const auto batch = list[i].second->get(torch::arange(kZooRows));
      Arrays arrays;
      arrays.x = batch.x;
      arrays.c = torch::one_hot(batch.y).to(torch::kFloat32);
      arrays.schemas.x = list[i].second->schemas().x;
      arrays.schemas.c = {{arrays.c.size(1)}, Kind::kReal, Json::object()};
      list.emplace_back(list[i].first + " given labels", in_memory(arrays));
    }
    return list;
  }();
  return sets;
}

/// Why the model does not take these data; empty where it does. It must say so by an Error.
std::string model_refusal(const std::string& name, const Data& data) {
  try {
    Entry entry(name, data);
    for (const auto& player : entry.objective->players(*entry.model)) {
      player.loss({*entry.model, entry.all(), 0});
    }
    return "";
  } catch (const Error& error) {
    return std::string("refused: ") + error.what();
  }
}

void check_same(const Named& a, const Named& b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    CAPTURE(a[i].first);
    CHECK(a[i].second.equal(b[i].second));
  }
}

void check_all_parameters(const Entry& entry) {
  std::vector<Tensor> played;
  for (const auto& player : entry.objective->players(*entry.model)) {
    played.insert(played.end(), player.parameters.begin(), player.parameters.end());
  }
  std::vector<std::pair<std::string, const void*>> known;
  for (const auto& [name, p] : entry.named()) {
    CAPTURE(name);
    for (const auto& [other, memory] : known) {
      CAPTURE(other);
      CHECK(memory != p.unsafeGetTensorImpl());
    }
    known.emplace_back(name, p.unsafeGetTensorImpl());
    if (!p.requires_grad()) continue;
    CHECK_MESSAGE(std::any_of(played.begin(), played.end(),
                              [&, p = p](const Tensor& other) { return other.is_same(p); }),
                  "no player steps it");
  }
}

/// The mean of code and of x for all rows, drawn alike.
Named outputs(Entry& entry) {
  torch::NoGradGuard no_gradient;
  RandomScope scope(4);
  const EvaluationScope evaluation(*entry.model);
  const auto found = entry.model->infer(entry.all(), 0);
  return {{"code", found.trace.code}, {"x", found.x->mean()}};
}

void check_saved(const std::string& name, Entry& entry) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("elbo_zoo_" + std::to_string(getpid()) + ".safetensors");
  save_safetensors(path.string(), entry.named());
  const auto file = load_safetensors(path.string());
  std::filesystem::remove(path);
  Entry other(name, entry.data, 2);
  {
    torch::NoGradGuard no_gradient;
    for (const auto& [key, tensor] : other.named()) tensor.detach().copy_(file.find(key));
  }
  check_same(outputs(other), outputs(entry));
}

void check_training(const std::string& name, const Data& data) {
  Entry entry(name, data);
  check_all_parameters(entry);
  const auto before = copies(entry.named());
  const double loss = entry.loss();
  entry.train(kSteps);
  CHECK(entry.loss() < loss);
  const auto after = entry.named();
  for (size_t i = 0; i < after.size(); ++i) {
    if (!after[i].second.requires_grad()) continue;
    CAPTURE(after[i].first);
    CHECK_MESSAGE(!after[i].second.equal(before[i]), "no gradient moved it");
  }
  check_saved(name, entry);
}

void check_resume(const std::string& name, const Data& data) {
  Entry whole(name, data), first(name, data), second(name, data, 2);
  whole.train(6);
  const auto half = first.train(3);
  second.train(6, &half);
  check_same(second.named(), whole.named());
}

DataOptions known_options(const std::string& split, int64_t rows) {
  DataOptions options;
  options.split = split;
  options.rows = rows;
  return options;
}

/// After a short training no density is better than the process that made the rows.
void check_entropy(const std::string& name) {
  static const auto train = open_data("builtin:codes", known_options("train", 2000));
  static const auto test = open_data("builtin:codes", known_options("test", 500));
  if (!model_refusal(name, train).empty()) return;
  Entry entry(name, train);
  entry.options.batch = 50;
  entry.options.lr = 0.005;
  entry.train(kEntropySteps);
  entry.model->eval();
  // Labels would make it the joint density of x and y.
  Arrays rows;
  rows.x = test->get(torch::arange(test->size())).x;
  rows.schemas.x = test->schemas().x;
  EvaluateOptions options;
  options.draws = 20;
  try {
    const auto found = evaluate_density(*entry.model, *in_memory(rows), options, [](double) {});
    const auto value = [&](const char* key) { return found.value(key, Json()); };
    if (!value("negative_log_likelihood").is_number()) return;
    const double nats = value("negative_log_likelihood");
    MESSAGE(name, ": ", nats, " nats, entropy ", rows.schemas.x.detail["entropy"].get<double>());
    CHECK(nats >
          rows.schemas.x.detail["entropy"].get<double>() -
              kStandardErrors * value("negative_log_likelihood_standard_error").get<double>());
  } catch (const Error& error) {
    MESSAGE(name, " has no bound: ", error.what());
  }
}

/// log p(x | code) of a batch's first row, at posterior means.
double first_row(Model& model, const Batch& batch) {
  RandomScope scope(5);
  return row_log_likelihood(model.infer(batch, 0), batch)[0].item<double>();
}

/// What one row is given depends neither on the rows beside it nor, element by element, on what
/// comes later in the row: else densities would not sum to 1.
void check_no_leak(const std::string& name, const Data& data) {
  Entry entry(name, data);
  entry.train(3);
  const EvaluationScope evaluation(*entry.model);
  torch::NoGradGuard no_gradient;
  const auto all = entry.all();
  const auto some = slice(all, 0, kBatch);
  auto others = torch::arange(kBatch, 2 * kBatch);
  others[0] = 0;
  const double alone = first_row(*entry.model, some);
  CHECK(first_row(*entry.model, pick(all, others)) == doctest::Approx(alone).epsilon(kFloatSums));

  RandomScope scope(6);
  const auto found = entry.model->infer(some, 0);
  const auto x = tile(some.x, found.trace.log_weight.size(0));
  const auto before = found.x->log_prob(x);
  if (before.numel() != x.numel()) return;  // one number for several elements
  const int64_t half = some.x[0].numel() / 2;
  auto changed = x.flatten(1).clone();
  changed.slice(1, half).copy_(x.flip(0).flatten(1).slice(1, half));
  const auto after = found.x->log_prob(changed.view_as(x));
  CHECK_CLOSE(after.flatten(1).slice(1, 0, half), before.flatten(1).slice(1, 0, half), kFloatSums);
}

/// f(model, data) for the first data set that a model takes, or for all that it takes.
template <class F>
void for_each_model(bool all, F f) {
  for (const auto& model : zoo()) {
    CAPTURE(model.name);
    std::string refusals;
    int64_t taken = 0;
    for (const auto& [name, data] : data_sets()) {
      CAPTURE(name);
      if (taken > 0 && !all) break;
      const auto refused = model_refusal(model.name, data);
      if (refused.empty()) f(model.name, data);
      taken += refused.empty();
      refusals += name + " " + refused + "\n";
    }
    CHECK_MESSAGE(taken > 0, refusals);
  }
}

}  // namespace

TEST_CASE("every model of the zoo learns with all its parameters and is loaded as it was saved") {
  for_each_model(false, check_training);
}

TEST_CASE("a resumed training of every model is the uninterrupted one, to the last bit") {
  for_each_model(false, check_resume);
}

TEST_CASE("no density of the zoo knows the rows beside, or what comes later in a row") {
  for_each_model(false, check_no_leak);
}

TEST_CASE("no model of the zoo claims a density beyond the entropy of the data") {
  for (const auto& model : zoo()) {
    CAPTURE(model.name);
    check_entropy(model.name);
  }
}

TEST_CASE("every model of the zoo learns on every kind of data that it takes" *
          doctest::test_suite("slow") * doctest::skip()) {
  for_each_model(true, [](const std::string& name, const Data& data) {
    check_training(name, data);
    check_resume(name, data);
  });
}

}  // namespace elbo
