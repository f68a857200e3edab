#include "elbo/model/objective.h"

namespace elbo {

Registry<Objective, const ObjectivePlan&>& objectives() {
  static Registry<Objective, const ObjectivePlan&> registry("objective");
  return registry;
}

std::vector<Player> Objective::players(Model& model) { return {{"model", model.parameters()}}; }

Terms Objective::validate(Model& model, const Batch& batch) {
  return loss(players(model).front().name, model, batch, kEndOfTraining);
}

}  // namespace elbo
