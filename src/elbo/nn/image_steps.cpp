#include "elbo/nn/image_steps.h"

namespace elbo {

ConvolutionBlock::ConvolutionBlock(ConvolutionPlan plan, const ImageStyle& style, int64_t condition)
    : activation_(plan.activation) {
  fused_ = style.norm == "none" && condition == 0;
  if (!fused_) {
    plan.out = plan.units();
    plan.activation = Activation::kNone;
  }
  affine_ = register_module("affine", std::make_shared<Convolution>(plan, true, style.init));
  if (condition > 0) {
    shift_ = register_module("shift", std::make_shared<Dense>(condition, plan.out));
  }
  norm_ = register_module("norm", std::make_shared<Norm>(style.norm, plan.out));
}

Tensor ConvolutionBlock::forward(const Tensor& x, const Tensor& c) {
  auto h = affine_->forward(x);
  if (fused_) return h;
  if (shift_) h = h + shift_->forward(c.flatten(1)).unsqueeze(2).unsqueeze(3);
  return watched(*this, x, activate(norm_->forward(h), activation_), 1);
}

void ConvolutionBlock::report(const std::string& name, Shape& shape,
                              std::vector<LayerReport>& lines) const {
  lines.push_back(affine_->report(name, shape));
  const auto wide = lines.back().out;
  if (shift_) lines.push_back(shift_->report(name + ".shift"));
  if (!norm_->identity()) lines.push_back(norm_->report(name + ".norm", wide));
  shape = wide;
  if (!fused_ && activation_ == Activation::kGated) shape[0] /= 2;
}

ResidualBlock::ResidualBlock(int64_t channels, const ImageStyle& style, int64_t condition) {
  const auto plan = keeping(channels, channels, 3, activation_named(style.activation));
  block_ = register_module("block", std::make_shared<ConvolutionBlock>(plan, style, condition));
  mix_ = register_module(
      "mix", std::make_shared<Convolution>(keeping(channels, channels, 1), true, style.init));
}

void ResidualBlock::report(const std::string& name, Shape& shape,
                           std::vector<LayerReport>& lines) const {
  block_->report(name + ".block", shape, lines);
  lines.push_back(mix_->report(name + ".mix", shape));
}

Tensor Resize::forward(const Tensor& x, const Tensor&) {
  if (x.size(2) >= size_[0] && x.size(3) >= size_[1]) return torch::adaptive_avg_pool2d(x, size_);
  return torch::upsample_nearest2d(x, size_);
}

void Resize::report(const std::string& name, Shape& shape, std::vector<LayerReport>& lines) const {
  shape = {shape[0], size_[0], size_[1]};
  lines.push_back({name, shape, 0, 0});
}

ConvolutionPlan keeping(int64_t in, int64_t out, int64_t kernel, Activation activation) {
  const int64_t padding = kernel / 2;
  ConvolutionPlan plan{in, out, {kernel, kernel}, {1, 1}, {padding, padding}};
  plan.activation = activation;
  return plan;
}

ConvolutionPlan halving(const Shape& image, int64_t out, int64_t kernel, Activation activation) {
  ConvolutionPlan plan;
  plan.in = image[0];
  plan.out = out;
  plan.activation = activation;
  for (size_t i = 0; i < 2; ++i) {
    const bool stays = image[i + 1] == 1;
    plan.kernel[i] = stays ? 1 : kernel;
    plan.stride[i] = stays ? 1 : 2;
    plan.padding[i] = stays ? 0 : (kernel - 1) / 2;
  }
  return plan;
}

ConvolutionPlan doubling(const Shape& large, int64_t in, int64_t kernel, Activation activation) {
  auto plan = halving(large, in, kernel, activation);
  const auto small = plan.output(large);
  std::swap(plan.in, plan.out);
  plan.transposed = true;
  const auto reached = plan.output(small);
  for (size_t i = 0; i < 2; ++i) plan.output_padding[i] = large[i + 1] - reached[i + 1];
  return plan;
}

}  // namespace elbo
