#include "elbo/nn/picture_features.h"

#include "elbo/nn/convolution.h"

namespace elbo {
namespace {

constexpr double kLeastLength = 1e-10;  // squared: a place without features has no direction

Tensor unit_length(const Tensor& h) { return h * (h.square().sum(1, true) + kLeastLength).rsqrt(); }

/// [1, C, 1, 1]
Tensor per_channel(const std::vector<double>& numbers) {
  return torch::tensor(numbers, torch::kFloat32).view({1, -1, 1, 1});
}

/// Four paddings, top, left, bottom, right, that a convolution can add by itself.
bool is_even(const std::vector<int64_t>& padding) {
  return padding.empty() || (padding[0] == padding[2] && padding[1] == padding[3]);
}

Tensor padded(const Tensor& x, const std::vector<int64_t>& padding, double value) {
  if (padding.empty()) return x;
  return torch::constant_pad_nd(x, {padding[1], padding[3], padding[0], padding[2]}, value);
}

}  // namespace

PictureFeatures::PictureFeatures(FeaturePlan plan)
    : plan_(std::move(plan)),
      weights_(plan_.steps.size()),
      biases_(plan_.steps.size()),
      shift_(register_buffer("shift", per_channel(plan_.shift))),
      scale_(register_buffer("scale", per_channel(plan_.scale))) {
  const auto widths = plan_.widths("features");
  for (size_t i = 0; i < plan_.steps.size(); ++i) {
    const auto& step = plan_.steps[i];
    const auto number = std::to_string(i + 1);
    if (step.type == "convolution") {
      const auto shape = plan_.weight(i + 1, widths);
      auto& weight = weights_[i] = register_parameter("weight" + number, torch::empty(shape));
      auto& bias = biases_[i] = register_parameter("bias" + number, torch::empty({shape[0]}));
      const int64_t places = step.kernel * step.kernel;
      initialize(weight, bias, shape[1] * places, shape[0] * places, "he");
    }
    if (!step.compared) continue;
    const auto layer = std::to_string(feature_weights_.size());
    feature_weights_.push_back(
        register_buffer("layer" + layer, torch::ones({widths[i + 1]}, torch::kFloat32)));
  }
}

NamedTensors PictureFeatures::tensors() const {
  NamedTensors named;
  for (size_t i = 0; i < plan_.steps.size(); ++i) {
    if (!weights_[i].defined()) continue;
    named.emplace_back(plan_.steps[i].name + ".weight", weights_[i]);
    named.emplace_back(plan_.steps[i].name + ".bias", biases_[i]);
  }
  for (size_t k = 0; k < feature_weights_.size(); ++k) {
    named.emplace_back("layers." + std::to_string(k), feature_weights_[k]);
  }
  return named;
}

Tensor PictureFeatures::stepped(const FeatureStep& step, const Tensor& weight, const Tensor& bias,
                                const std::vector<Tensor>& read) const {
  if (step.type == "concatenation") return torch::cat(read, 1);
  const auto activation = activation_named(step.activation);
  const auto x = read[0];
  if (step.type == "sum") {
    auto sum = x;
    for (size_t i = 1; i < read.size(); ++i) sum = sum + read[i];
    return activate(sum, activation);
  }
  if (step.type == "max_pool") {
    const auto all = padded(x, step.padding, -std::numeric_limits<double>::infinity());
    return torch::max_pool2d(all, step.kernel, step.stride, 0, 1, step.round_up);
  }
  const bool even = is_even(step.padding);
  const auto all = even ? x : padded(x, step.padding, 0);
  ConvolutionPlan plan{
      x.size(1), step.channels, {step.kernel, step.kernel}, {step.stride, step.stride}, {0, 0}};
  if (even && !step.padding.empty()) plan.padding = {step.padding[0], step.padding[1]};
  plan.activation = activation;
  if (step.groups == 1) return convolve(all, weight, bias, plan);
  const auto made = torch::conv2d(all, weight, bias, plan.stride, torch::IntArrayRef(plan.padding),
                                  1, step.groups);
  return activate(made, activation);
}

std::vector<Tensor> PictureFeatures::layers(const Tensor& x) const {
  std::vector<Tensor> made{(x - shift_) / scale_}, compared;
  for (size_t i = 1; i <= plan_.steps.size(); ++i) {
    const auto& step = plan_.steps[i - 1];
    std::vector<Tensor> read;
    for (const int64_t from : plan_.read_by(i)) read.push_back(made[static_cast<size_t>(from)]);
    const auto& first = read[0];
    const auto edge = [&](size_t a, size_t b) {
      return step.padding.empty() ? 0 : step.padding[a] + step.padding[b];
    };
    check(first.size(2) + edge(0, 2) >= step.kernel && first.size(3) + edge(1, 3) >= step.kernel,
          "[features] pictures of ", x.size(2), "x", x.size(3), " are too small: step ", i,
          " of the network, a ", step.type, " of ", step.kernel, "x", step.kernel, ", reads ",
          first.size(2), "x", first.size(3), " places");
    for (const auto& other : read) {
      check(other.sizes().slice(2) == first.sizes().slice(2), "[features] step ", i,
            " of the network joins ", first.size(2), "x", first.size(3), " and ", other.size(2),
            "x", other.size(3), " places");
    }
    made.push_back(stepped(step, weights_[i - 1], biases_[i - 1], read));
    if (step.highest > 0) made.back() = made.back().clamp_max(step.highest);
    if (step.compared) compared.push_back(made.back());
  }
  return compared;
}

Tensor PictureFeatures::distance(const std::vector<Tensor>& a, const std::vector<Tensor>& b) const {
  Tensor sum;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto apart = (unit_length(a[i]) - unit_length(b[i])).square().mean({2, 3});
    const auto layer = apart.matmul(feature_weights_[i]);
    sum = sum.defined() ? sum + layer : layer;
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
