#pragma once

#include "elbo/nn/convolution.h"
#include "elbo/nn/dense.h"
#include "elbo/nn/norm.h"

namespace elbo {

/// What follows the convolutions of a network, and how their weights are drawn.
struct ImageStyle {
  std::string activation = "relu", norm = "none", init = "torch";
  template <class F>
  void fields(F&& f) {
    f("activation", activation, "activation after each layer", one_of(activation_names()));
    f("norm", norm, "normalisation before the activation", one_of(kNorms));
    f("init", init, "initialisation of the weights", one_of(kInitializations));
  }
};

/// A piece of the path between images; c: [B, condition] or undefined.
class ImageStep : public torch::nn::Module {
 public:
  virtual Tensor forward(const Tensor& x, const Tensor& c) = 0;
  /// Adds its lines; `shape` is its input's before and its output's after.
  virtual void report(const std::string& name, Shape& shape,
                      std::vector<LayerReport>& lines) const = 0;
};

/// Convolution, shift by the condition, normalisation, activation.
class ConvolutionBlock : public ImageStep {
 public:
  ConvolutionBlock(ConvolutionPlan plan, const ImageStyle& style, int64_t condition = 0);
  Tensor forward(const Tensor& x, const Tensor& c) override;
  void report(const std::string& name, Shape& shape,
              std::vector<LayerReport>& lines) const override;

 private:
  const Activation activation_;
  bool fused_;
  std::shared_ptr<Convolution> affine_;
  std::shared_ptr<Dense> shift_;
  std::shared_ptr<Norm> norm_;
};

/// x + a 1x1 convolution of a 3x3 block.
class ResidualBlock : public ImageStep {
 public:
  ResidualBlock(int64_t channels, const ImageStyle& style, int64_t condition = 0);
  Tensor forward(const Tensor& x, const Tensor& c) override {
    return x + mix_->forward(block_->forward(x, c));
  }
  void report(const std::string& name, Shape& shape,
              std::vector<LayerReport>& lines) const override;

 private:
  std::shared_ptr<ConvolutionBlock> block_;
  std::shared_ptr<Convolution> mix_;
};

/// To a size that halving does not reach: means when it shrinks, nearest neighbours when it grows.
class Resize : public ImageStep {
 public:
  Resize(int64_t height, int64_t width) : size_{height, width} {}
  Tensor forward(const Tensor& x, const Tensor& c) override;
  void report(const std::string& name, Shape& shape,
              std::vector<LayerReport>& lines) const override;

 private:
  const Shape size_;
};

/// A layer that keeps the size.
ConvolutionPlan keeping(int64_t in, int64_t out, int64_t kernel,
                        Activation activation = Activation::kNone);
/// The layer that halves an image of this size; sides of length 1 stay.
ConvolutionPlan halving(const Shape& image, int64_t out, int64_t kernel, Activation activation);
/// The transposed layer that undoes it exactly, odd sides too.
ConvolutionPlan doubling(const Shape& large, int64_t in, int64_t kernel, Activation activation);

}  // namespace elbo
