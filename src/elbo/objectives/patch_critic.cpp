#include "elbo/objectives/patch_critic.h"

namespace elbo {

PatchCritic::PatchCritic(int64_t channels, const std::vector<int64_t>& widths) {
  int64_t in = channels;
  const auto add = [&](const ConvolutionPlan& plan) {
    layers_.push_back(register_module("layer" + std::to_string(layers_.size()),
                                      std::make_shared<Convolution>(plan, true, "he")));
  };
  for (const int64_t width : widths) {
    add({in, width, {4, 4}, {2, 2}, {1, 1}, {0, 0}, false, Activation::kLeakyRelu});
    in = width;
  }
  add({in, 1, {3, 3}, {1, 1}, {1, 1}});
}

Tensor PatchCritic::operator()(const Tensor& x) const {
  auto h = x * 2 - 1;
  for (const auto& layer : layers_) h = layer->forward(h);
  return h;
}

}  // namespace elbo
