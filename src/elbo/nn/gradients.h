#pragma once

#include <torch/csrc/autograd/custom_function.h>

#include "elbo/core/tensor.h"

namespace elbo {

/// While one lives, backward passes of this thread add weight gradients straight into the .grad()
/// of leaf weights, where one is defined and contiguous, and hand autograd an undefined tensor.
/// For `loss.backward()` alone: torch::autograd::grad would come back empty-handed.
class DirectGradients {
 public:
  DirectGradients();
  ~DirectGradients();
  DirectGradients(const DirectGradients&) = delete;
  DirectGradients& operator=(const DirectGradients&) = delete;

 private:
  bool before_;
};

/// Where a fused backward writes the gradient of a parameter.
struct GradientSink {
  /// The parameter's own gradient under DirectGradients, else a new tensor.
  explicit GradientSink(const Tensor& parameter);
  Tensor result() const { return direct ? Tensor() : into; }

  Tensor into;
  bool direct;  // add to what `into` holds; else its content is arbitrary
};

/// For the backward of a fused function that is itself to be differentiated: the gradients of
/// `inputs`, its first arguments, by the graph of y, the same function in ATen.
torch::autograd::variable_list differentiable_gradients(
    const torch::autograd::AutogradContext& ctx, const torch::autograd::variable_list& inputs,
    const Tensor& y, const Tensor& grad, size_t arguments);

}  // namespace elbo
