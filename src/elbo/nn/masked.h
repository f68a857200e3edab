#pragma once

#include "elbo/nn/dense.h"

namespace elbo {

struct ConditionerPlan {
  int64_t in = 0, out = 0, each = 1;  // numbers read, numbers described, values for each of those
  int64_t context = 0;                // features that every output sees
  std::vector<int64_t> hidden;
  std::string activation = "elu";
  /// 1 … in for each input (= output): an output sees inputs of lower degree only. Empty = all.
  std::vector<int64_t> degrees = {};
};

/// Dense layers that give theta: [..., out, each] of z: [..., in] and features h: [..., context],
/// whose leading axes broadcast. With degrees it is the masked autoencoder of Germain et al. 2015
/// (arXiv:1502.03509): the features enter unmasked, at the first layer and at the output, so that
/// the output of degree 1 sees them as well. Starts near 0.
class Conditioner : public torch::nn::Module {
 public:
  explicit Conditioner(ConditionerPlan plan);
  Tensor forward(const Tensor& z, const Tensor& h = Tensor());

 private:
  Tensor masked(size_t layer, const Tensor& x) const;

  ConditionerPlan plan_;
  Activation activation_;
  std::vector<std::shared_ptr<Dense>> layers_;
  std::vector<Tensor> masks_;  // [out, in] for each layer, or none
  std::shared_ptr<Dense> context_in_, context_out_;
};

/// Activations that a Conditioner takes: all but the gated one.
const std::vector<std::string>& conditioner_activations();

}  // namespace elbo
