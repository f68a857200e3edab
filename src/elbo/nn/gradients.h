#pragma once

#include <optional>

#include "elbo/kernels/node.h"

namespace elbo {

/// While one lives that is on, backward passes of this thread add weight gradients straight into
/// the .grad() of leaf weights, where one is defined and contiguous, and hand autograd an undefined
/// tensor. Where it lives in the forward pass, too, the graph leaves such weights out altogether.
/// For `loss.backward()`: torch::autograd::grad of such weights would come back empty-handed.
class DirectGradients {
 public:
  explicit DirectGradients(bool on = true);
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

/// A node with parameters among its inputs.
class WeightNode : public Node {
 public:
  /// The next input, a parameter: no edge leads to it where backward writes its gradient itself.
  void keep_parameter(const Tensor& parameter);

 protected:
  /// Null where nobody asks for that gradient.
  std::optional<GradientSink> sink(size_t input, const Tensor& parameter) const;

 private:
  uint32_t left_out_ = 0;  // one bit per input
};

/// For a backward that is itself to be differentiated: the gradients of the node's inputs by the
/// graph of y, the same operation in ATen.
Gradients differentiable_gradients(const Node& node, const std::vector<Tensor>& inputs,
                                   const Tensor& y, const Tensor& grad);

}  // namespace elbo
