#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/core/registry.h"
#include "elbo/core/tensor.h"

namespace ELBO_API elbo {

/// One line of the shape report.
struct LayerReport {
  std::string name;
  Shape out;
  int64_t parameters = 0;
  int64_t flops = 0;  // per row, forward; a multiply-add is two
};

/// A learned function of rows, and of a condition where it was built with one.
class Network : public torch::nn::Module {
 public:
  /// x: [B, in…]; c: [B, condition] or undefined -> [B, out…].
  virtual Tensor forward(const Tensor& x, const Tensor& c = Tensor()) = 0;
  /// What the layers are, for `train --dry-run`.
  virtual std::vector<LayerReport> report() const = 0;
};

/// What a network is asked to be.
struct NetworkPlan {
  Shape in, out;
  int64_t condition = 0;  // size of c; 0 = none
};
/// mlp, conv, …; "auto" is resolved before (spec.h).
Registry<Network, const NetworkPlan&>& networks();

}  // namespace elbo
