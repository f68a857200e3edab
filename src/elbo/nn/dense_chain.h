#pragma once

#include "elbo/nn/dense.h"

// What the fused dense layers of both precisions share. With oneDNN only.

namespace elbo {

class Bf16Weights;

/// Inputs: x, then weight and bias of each layer.
struct DenseChain : WeightNode {
  std::vector<Activation> activations;

  /// The gradients by ATen's operations, to be differentiated again.
  Gradients by_operations(const Tensor& grad) const;
};

/// fast_dense() by products of bfloat16 numbers.
Tensor bf16_dense(const Tensor& x, const std::vector<DenseLayer>& layers,
                  const Bf16Weights& weights);

}  // namespace elbo
