#include "elbo/eval/classifier.h"

#include <cmath>

#include "elbo/eval/linear.h"
#include "elbo/io/safetensors.h"
#include "elbo/model/spec.h"
#include "elbo/train/optimizer.h"

namespace elbo {
namespace {

constexpr int64_t kFeatures = 64, kMostRows = 20000, kBatch = 64, kSteps = 400;

int64_t classes_of(const Schemas& schemas) {
  check(schemas.y.present(), "[features] the run's data have no labels");
  const int64_t classes = class_count(schemas.y);
  check(classes > 1, "[features] fewer than two classes");
  return classes;
}

FeatureClassifier make_classifier(const Run& run) {
  const auto& x = run.schemas().x;
  const bool picture = x.shape.size() == 3;
  FeatureClassifier c;
  c.body = networks().make({x.shape, {kFeatures}, 0}, picture ? "conv" : "mlp");
  const Json line{{"type", "mlp"}, {"hidden", Json::array()}};
  c.top = networks().make({{kFeatures}, {classes_of(run.schemas())}, 0}, line);
  return c;
}

NamedTensors tensors_of(const FeatureClassifier& c) {
  NamedTensors named;
  for (const auto& p : c.body->named_parameters()) named.emplace_back("body." + p.key(), p.value());
  for (const auto& p : c.top->named_parameters()) named.emplace_back("top." + p.key(), p.value());
  return named;
}

void train(const FeatureClassifier& c, const Dataset& data, uint64_t seed) {
  torch::AutoGradMode gradient(true);
  FlatParameters flat(tensors_of(c));
  Optimizer optimizer(flat);
  StepSettings settings;
  const int64_t n = std::min(kMostRows, data.size());
  const auto order = permutation(n, Draw{seed, 0}.key("classifier"));
  for (int64_t step = 0; step < kSteps; ++step) {
    std::vector<int64_t> rows;
    for (int64_t i = 0; i < std::min(kBatch, n); ++i) {
      rows.push_back(order[static_cast<size_t>((step * kBatch + i) % n)]);
    }
    const auto batch =
        data.get(torch::tensor(rows), Draw{seed, static_cast<uint64_t>(step * kBatch / n)});
    const auto log_p = c.top->forward(c.body->forward(batch.x).relu()).log_softmax(1);
    (-log_p.gather(1, batch.y.unsqueeze(1)).mean()).backward();
    flat.attach();
    // Falls to zero along a cosine, so that the last steps average out the noise.
    settings.lr = 1e-3 * (1 + std::cos(M_PI * static_cast<double>(step) / kSteps));
    optimizer.step(flat, flat.spans(), settings);
  }
}

double held_out_accuracy(const FeatureClassifier& c, const Run& run) {
  const auto data = run.held_out(nullptr);
  const auto batch = data->get(torch::arange(std::min<int64_t>(2000, data->size())), Draw{});
  return accuracy(c.top->forward(c.features(batch.x)).argmax(1), batch.y);
}

void restore(const FeatureClassifier& c, const TensorFile& file, const std::string& path) {
  for (auto& [name, tensor] : tensors_of(c)) {
    const auto saved = file.find(name);
    check(saved.defined() && saved.sizes() == tensor.sizes(), "[features] ", path, ": ", name,
          " does not fit; remove the file to train another classifier");
    tensor.copy_(saved);
  }
}

std::string name_of(double accuracy) {
  std::ostringstream out;
  out << "classifier of this data, accuracy " << accuracy;
  return out.str();
}

}  // namespace

Tensor FeatureClassifier::features(const Tensor& x) const {
  torch::NoGradGuard no_gradient;
  std::vector<Tensor> parts;
  constexpr int64_t kBlock = 250;
  for (int64_t from = 0; from < x.size(0); from += kBlock) {
    const auto here = x.narrow(0, from, std::min(kBlock, x.size(0) - from));
    parts.push_back(body->forward(here).relu());
  }
  return torch::cat(parts);
}

FeatureClassifier feature_classifier(const Run& run) {
  const auto seed = static_cast<uint64_t>(run.train_options().seed);
  RandomScope scope(Draw{seed, 0}.key("classifier"));
  auto c = make_classifier(run);
  const auto path = (run.path() / "features.safetensors").string();
  torch::NoGradGuard no_gradient;
  if (std::filesystem::exists(path)) {
    const auto file = load_safetensors(path);
    restore(c, file, path);
    const auto at = file.metadata.find("name");
    c.name = at == file.metadata.end() ? "classifier" : at->second;
    c.body->eval();
    c.top->eval();
    return c;
  }
  const auto data = run.training_data();
  check(data->get(torch::zeros({1}, torch::kInt64)).y.defined(),
        "[features] the run's data have no labels");
  train(c, *data, seed);
  c.body->eval();
  c.top->eval();
  c.name = name_of(held_out_accuracy(c, run));
  save_safetensors(path, tensors_of(c), {{"name", c.name}});
  return c;
}

}  // namespace elbo
