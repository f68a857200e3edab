#pragma once

#include <doctest/doctest.h>

#include "elbo/train/trainer.h"

namespace elbo {

/// 256 rows of 6 correlated numbers.
inline Data toy_table() {
  RandomScope scope(11);
  Arrays arrays;
  arrays.x = torch::randn({256, 3}).mm(torch::randn({3, 6})) + 0.3 * torch::randn({256, 6});
  arrays.schemas.x = {{6}, Kind::kReal, Json::object()};
  return in_memory(arrays);
}

/// 128 grey images of one blurred spot each, 16 x 16.
inline Data toy_images() {
  RandomScope scope(12);
  const auto places = torch::arange(16).view({1, 16});
  const auto along = [&] {
    return (-(places - (3 + 10 * torch::rand({128, 1}))).square() / 8).exp();
  };
  Arrays arrays;
  arrays.x = (along().unsqueeze(2) * along().unsqueeze(1)).unsqueeze(1).contiguous();
  arrays.schemas.x = {{1, 16, 16}, Kind::kUnit, Json::object()};
  return in_memory(arrays);
}

inline Json toy_spec(const Json& patch = Json::object()) {
  Json spec = default_spec();
  const Json net{{"type", "mlp"}, {"hidden", {16}}, {"activation", "tanh"}};
  spec.merge_patch({{"latent", {{"type", "flat"}, {"size", 3}}},
                    {"encoder", net},
                    {"decoder", net},
                    {"likelihood", {{"type", "normal"}, {"scale", "learned"}}}});
  spec.merge_patch(patch);
  return spec;
}

/// A model, its objective and the data that they are for.
struct Toy {
  Data data;
  std::shared_ptr<Model> model;
  std::shared_ptr<Objective> objective;

  Toy(const Json& spec, Data rows) : data(std::move(rows)) {
    const auto schemas = data->schemas();
    const auto resolved = resolve(spec, schemas);
    model = build(resolved, schemas);
    objective = build_objective(resolved, schemas, *model, data->size());
  }
  Batch all() const { return data->get(torch::arange(data->size())); }
  void train(int64_t steps, double lr = 0.003, int64_t batch = 64) {
    train(objective, steps, lr, batch);
  }
  void train(const std::shared_ptr<Objective>& what, int64_t steps, double lr, int64_t batch) {
    TrainOptions options;
    options.steps = steps;
    options.batch = batch;
    options.lr = lr;
    Trainer(model, what, options).fit(data, nullptr);
  }
  Terms validate() {
    torch::NoGradGuard no_gradient;
    RandomScope scope(5);
    model->eval();
    objective->eval();
    auto terms = objective->validate(*model, all());
    model->train();
    objective->train();
    return terms;
  }
};

inline double part(const Terms& terms, const std::string& name) {
  for (const auto& [key, value] : terms.parts) {
    if (key == name) return value.item<double>();
  }
  FAIL("no part " << name);
  return 0;
}

/// One player of another objective, alone.
class OnePlayer : public Objective {
 public:
  OnePlayer(std::shared_ptr<Objective> of, size_t number) : of_(std::move(of)), number_(number) {
    register_module("of", of_);
  }
  std::vector<Player> players(Model& model) override { return {of_->players(model).at(number_)}; }
  Terms loss(const std::string& player, Model& model, const Batch& batch, int64_t step) override {
    return of_->loss(player, model, batch, step);
  }

 private:
  std::shared_ptr<Objective> of_;
  const size_t number_;
};

/// Parameters and buffers of both, by name.
inline std::vector<std::pair<std::string, Tensor>> named_tensors(const Model& model,
                                                                 const Objective& objective) {
  std::vector<std::pair<std::string, Tensor>> list;
  for (const auto& p : model.named_parameters()) list.emplace_back(p.key(), p.value());
  for (const auto& b : model.named_buffers()) list.emplace_back(b.key(), b.value());
  for (const auto& p : objective.named_parameters()) {
    list.emplace_back("objective." + p.key(), p.value());
  }
  for (const auto& b : objective.named_buffers()) {
    list.emplace_back("objective." + b.key(), b.value());
  }
  return list;
}

inline std::vector<Tensor> copies(const std::vector<std::pair<std::string, Tensor>>& named) {
  std::vector<Tensor> list;
  for (const auto& [name, tensor] : named) list.push_back(tensor.detach().clone());
  return list;
}

}  // namespace elbo
