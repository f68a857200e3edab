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
  for (const auto& step : plan.steps) {
    if (step.type != "convolution") continue;
    const auto weight = file.find(step.name + ".weight");
    const auto shape = plan.weight(step, widths);
    check(weight.defined() && weight.sizes() == shape, "[features] ", path, ": ", step.name,
          ".weight: found ", weight.defined() ? to_string(weight.sizes().vec()) : "no such tensor",
          ", needs ", to_string(shape));
  }
  FeatureSpace space{std::make_shared<PictureFeatures>(plan), path};
  const torch::NoGradGuard no_gradient;
  for (auto& [name, tensor] : space.network->tensors()) {
    const auto saved = file.find(name);
    if (!saved.defined() && name.rfind("layers.", 0) == 0) continue;  // all features alike
    check(saved.defined() && saved.sizes() == tensor.sizes(), "[features] ", path, ": ", name,
          ": found ", saved.defined() ? to_string(saved.sizes().vec()) : "no such tensor",
          ", needs ", to_string(tensor.sizes().vec()));
    tensor.copy_(saved);
  }
  for (auto& p : space.network->parameters()) p.set_requires_grad(false);
  if (const auto at = file.metadata.find(kName); at != file.metadata.end()) space.name = at->second;
  return space;
}

}  // namespace elbo
