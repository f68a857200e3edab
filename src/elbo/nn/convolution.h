#pragma once

#include <torch/nn/module.h>

#include <array>

#include "elbo/nn/activation.h"
#include "elbo/nn/gradients.h"
#include "elbo/nn/layer_watch.h"
#include "elbo/nn/network.h"

namespace elbo {

/// What a convolution over [B, in, height, width] is; pairs are (height, width).
struct ConvolutionPlan {
  int64_t in = 1, out = 1;
  std::array<int64_t, 2> kernel{3, 3}, stride{1, 1}, padding{1, 1};
  /// Rows and columns that a transposed convolution adds at the far end: below the stride.
  std::array<int64_t, 2> output_padding{0, 0};
  bool transposed = false;
  Activation activation = Activation::kNone;

  /// [out, height, width] of what an input [in, height, width] gives.
  Shape output(const Shape& input) const;
  /// Channels that the affine map makes: twice `out` where gated.
  int64_t units() const { return activation == Activation::kGated ? 2 * out : out; }
};

/// activation(x * W + b); weight: [units, in, kh, kw], or [in, units, kh, kw] where transposed;
/// bias: [units] or undefined. On the CPU in float32 the result is channels-last in memory, which
/// spares the next layer a reorder; elsewhere ATen computes it.
Tensor convolve(const Tensor& x, const Tensor& weight, const Tensor& bias,
                const ConvolutionPlan& plan);

class Convolution : public torch::nn::Module {
 public:
  explicit Convolution(const ConvolutionPlan& plan, bool bias = true,
                       const std::string& init = "torch");
  Tensor forward(const Tensor& x) { return watched(*this, x, convolve(x, weight, bias, plan), 1); }
  LayerReport report(const std::string& name, const Shape& input) const;

  const ConvolutionPlan plan;
  Tensor weight, bias;
};

/// The fused kernels, where this build and these tensors have them.
bool has_fast_convolution(const Tensor& x, const Tensor& weight, const Tensor& bias);
Tensor fast_convolve(const Tensor& x, const Tensor& weight, const Tensor& bias,
                     const ConvolutionPlan& plan);
/// The same by ATen alone.
Tensor plain_convolve(const Tensor& x, const Tensor& weight, const Tensor& bias,
                      const ConvolutionPlan& plan);

}  // namespace elbo
