#pragma once

#include <torch/nn/module.h>

#include "elbo/nn/activation.h"
#include "elbo/nn/gradients.h"
#include "elbo/nn/layer_watch.h"
#include "elbo/nn/network.h"

namespace elbo {

/// activation(x W^T + b) over the last axis; x: [..., in], weight: [out, in] (twice the rows where
/// gated), bias: [out] or undefined. One fused pass on the CPU in float32, ATen elsewhere.
Tensor dense(const Tensor& x, const Tensor& weight, const Tensor& bias,
             Activation activation = Activation::kNone);

/// A layer's weight and bias, as above.
struct DenseLayer {
  Tensor weight, bias;
  Activation activation = Activation::kNone;
};
/// One layer after the other, x: [rows, in]; on the CPU in float32 they are one operation.
Tensor dense_chain(const Tensor& x, const std::vector<DenseLayer>& layers);

class Dense : public torch::nn::Module {
 public:
  Dense(int64_t in, int64_t out, Activation activation = Activation::kNone, bool bias = true,
        const std::string& init = "torch");
  Tensor forward(const Tensor& x) {
    return watched(*this, x, dense(x, weight, bias, activation), -1);
  }
  LayerReport report(const std::string& name) const;
  DenseLayer layer() const { return {weight, bias, activation}; }

  const int64_t in, out;
  const Activation activation;
  Tensor weight, bias;
};

/// The fused kernels, where this build and these tensors have them.
bool has_fast_dense(const Tensor& x, const std::vector<DenseLayer>& layers);
/// x: [rows, in]
Tensor fast_dense(const Tensor& x, const std::vector<DenseLayer>& layers);
/// What every input would give by ATen alone; the gradient of the gradient comes from here.
Tensor plain_dense(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   Activation activation);

}  // namespace elbo
