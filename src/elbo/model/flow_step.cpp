#include "elbo/model/flow_step.h"

namespace elbo {

Registry<FlowStep, const FlowStepPlan&>& flow_steps() {
  static Registry<FlowStep, const FlowStepPlan&> registry("step");
  return registry;
}

}  // namespace elbo
