#pragma once

#include <torch/nn/module.h>

#include "elbo/core/api.h"
#include "elbo/core/registry.h"
#include "elbo/distributions/bijector.h"

namespace ELBO_API elbo {

/// One learned invertible step of a flow.
class FlowStep : public torch::nn::Module {
 public:
  /// h: [..., features()], what this step reads of the head's features; undefined in a free prior.
  virtual Bijection operator()(const Tensor& h) = 0;
  /// 0 in a free prior.
  virtual int64_t features() const = 0;
};

struct FlowStepPlan {
  int64_t size;   // of the vector that it maps
  bool free;      // no features: the step's parameters are its own
  int64_t index;  // place in the chain: orders and halves alternate
};
/// planar, iaf, …
Registry<FlowStep, const FlowStepPlan&>& flow_steps();

}  // namespace elbo
