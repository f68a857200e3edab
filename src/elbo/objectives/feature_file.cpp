#include "elbo/io/json_text.h"
#include "elbo/io/safetensors.h"
#include "elbo/objectives/feature_space.h"

namespace elbo {
namespace {

constexpr const char* kPlan = "network";
constexpr const char* kName = "name";

FeaturePlan plan_in(const TensorFile& file, int64_t channels, const std::string& path) {
  const auto at = file.metadata.find(kPlan);
  if (at == file.metadata.end()) return own_feature_plan(channels);
  return FeaturePlan::read(parse_json(at->second, "[features] " + path), "features " + path);
}

/// Raises an Error where the file has no tensor of that name and shape.
Tensor tensor_in(const TensorFile& file, const std::string& name, const Shape& shape,
                 const std::string& path) {
  const auto saved = file.find(name);
  check(saved.defined() && saved.sizes() == shape, "[features] ", path, ": ", name, ": found ",
        saved.defined() ? to_string(saved.sizes().vec()) : "no such tensor", ", needs ",
        to_string(shape));
  return saved;
}

}  // namespace

void save_features(const FeatureSpace& features, const std::string& path) {
  const auto& network = *features.network;
  save_safetensors(path, network.tensors(),
                   {{kName, features.name}, {kPlan, network.plan().write().dump()}});
}

FeatureSpace load_features(const std::string& path, int64_t channels) {
  const auto file = load_safetensors(path);
  const auto plan = plan_in(file, channels, path);
  check(plan.channels == channels || channels == 1, "[features] ", path, ": made for pictures of ",
        plan.channels, " channels, these have ", channels);
  // Before memory is taken for what the plan only claims.
  const auto widths = plan.widths("features " + path);
  for (size_t i = 1; i <= plan.steps.size(); ++i) {
    const auto& step = plan.steps[i - 1];
    if (step.type != "convolution") continue;
    tensor_in(file, step.name + ".weight", plan.weight(i, widths), path);
  }
  FeatureSpace space{std::make_shared<PictureFeatures>(plan), path};
  const torch::NoGradGuard no_gradient;
  for (auto& [name, tensor] : space.network->tensors()) {
    if (name.rfind("layers.", 0) == 0 && !file.find(name).defined()) continue;  // all alike
    tensor.copy_(tensor_in(file, name, tensor.sizes().vec(), path));
  }
  space.network->freeze();
  if (const auto at = file.metadata.find(kName); at != file.metadata.end()) space.name = at->second;
  return space;
}

}  // namespace elbo
