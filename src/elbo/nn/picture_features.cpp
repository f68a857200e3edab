#include "elbo/nn/picture_features.h"

#include "elbo/nn/convolution.h"
#include "elbo/nn/image_steps.h"

namespace elbo {
namespace {

constexpr int64_t kFeatureWidths[] = {16, 32, 64, 64};
constexpr double kLeastLength = 1e-10;  // squared: a place without features has no direction

Tensor unit_length(const Tensor& h) { return h * (h.square().sum(1, true) + kLeastLength).rsqrt(); }

}  // namespace

PictureFeatures::PictureFeatures(int64_t channels) : channels_(channels) {
  int64_t in = channels;
  for (const int64_t width : kFeatureWidths) {
    auto plan = keeping(in, width, 3, Activation::kSilu);
    if (!layers_.empty()) plan.stride = {2, 2};
    layers_.push_back(register_module("layer" + std::to_string(layers_.size()),
                                      std::make_shared<Convolution>(plan, true, "he")));
    in = width;
  }
}

int64_t PictureFeatures::last_width() { return std::end(kFeatureWidths)[-1]; }

std::vector<Tensor> PictureFeatures::layers(const Tensor& x) const {
  std::vector<Tensor> all;
  auto h = x * 2 - 1;
  for (const auto& layer : layers_) all.push_back(h = layer->forward(h));
  return all;
}

Tensor PictureFeatures::distance(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  Tensor sum;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto apart = (unit_length(a[i]) - unit_length(b[i])).square().sum(1).mean({1, 2});
    sum = sum.defined() ? sum + apart : apart;
  }
  return sum;
}

Tensor PictureFeatures::distance(const Tensor& x, const Tensor& y) const {
  return distance(layers(x), layers(y));
}

Tensor PictureFeatures::pooled(const Tensor& x) const {
  std::vector<Tensor> parts;
  const auto all = layers(x);
  for (size_t i = 1; i < all.size(); ++i) {
    const auto places = all[i].flatten(2);
    parts.push_back(places.mean(2));
    parts.push_back(places.std(2, /*unbiased=*/false));
  }
  return torch::cat(parts, 1);
}

}  // namespace elbo
