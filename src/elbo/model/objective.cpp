#include "elbo/model/objective.h"

#include <algorithm>

namespace elbo {

Registry<Objective, const ObjectivePlan&>& objectives() {
  static Registry<Objective, const ObjectivePlan&> registry("objective");
  return registry;
}

const Trace& Step::codes() const {
  if (!codes_) {
    torch::NoGradGuard no_gradient;
    codes_ = model.latent->infer(batch, 1);
  }
  return *codes_;
}

void Step::moved(const std::vector<Tensor>& parameters) {
  if (!codes_) return;
  const auto read = model.latent->parameters();
  const bool stale = std::any_of(parameters.begin(), parameters.end(), [&](const Tensor& p) {
    return std::any_of(read.begin(), read.end(),
                       [&](const Tensor& other) { return other.is_same(p); });
  });
  if (stale) codes_.reset();
}

std::vector<Player> Objective::players(Model& model) {
  return {{"model", model.parameters(), [this](const Step& step) { return loss(step); }}};
}

Terms Objective::validate(Model& model, const Batch& batch) {
  return loss({model, batch, kEndOfTraining});
}

}  // namespace elbo
