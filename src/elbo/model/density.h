#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/core/registry.h"
#include "elbo/model/sees_training.h"

namespace ELBO_API elbo {

/// A density of x beside the model's own, without latent variables to infer: fitted to the training
/// rows before the first step and kept with the weights. Anomaly scores hear it beside the model.
class Density : public torch::nn::Module, public SeesTraining {
 public:
  /// [B] float64: -log density in nats of the density's own scale. `seen`: these rows may be among
  /// the training rows; each is then judged by the others.
  virtual Tensor surprise(const Batch& batch, bool seen) = 0;
};
using Densities = std::vector<std::shared_ptr<Density>>;
Registry<Density, const Schema&>& densities();

/// The spec's part "densities": a list of names or objects with "type"; auto = none.
Json resolve_densities(const Json& declared);
/// The same where what is kept of `rows` training rows is bounded by their number.
Json bounded_densities(const Json& resolved, int64_t rows);
Densities make_densities(const Json& declared, const Schema& x);

}  // namespace elbo
