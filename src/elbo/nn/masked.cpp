#include "elbo/nn/masked.h"

#include <algorithm>

namespace elbo {
namespace {

// What the last layers' weights are multiplied by at the start: a flow begins near the identity.
constexpr double kStart = 0.1;

std::shared_ptr<Dense> near_zero(std::shared_ptr<Dense> layer) {
  torch::NoGradGuard no_gradient;
  layer->weight.mul_(kStart);
  if (layer->bias.defined()) layer->bias.mul_(kStart);
  return layer;
}

// Degrees of hidden units in turn: 1 … in-1 (0 where there is a single input, which none may see).
std::vector<int64_t> hidden_degrees(int64_t units, int64_t in) {
  std::vector<int64_t> degrees(units);
  for (int64_t i = 0; i < units; ++i) degrees[i] = in > 1 ? 1 + i % (in - 1) : 0;
  return degrees;
}

Tensor mask(const std::vector<int64_t>& out, const std::vector<int64_t>& in, bool strict) {
  const auto rows = torch::tensor(out).unsqueeze(1), columns = torch::tensor(in).unsqueeze(0);
  return (strict ? rows > columns : rows >= columns).to(torch::kFloat32);
}

}  // namespace

const std::vector<std::string>& conditioner_activations() {
  static const std::vector<std::string> names = [] {
    auto all = activation_names();
    std::erase(all, "gated");
    return all;
  }();
  return names;
}

Conditioner::Conditioner(ConditionerPlan plan)
    : plan_(std::move(plan)), activation_(activation_named(plan_.activation)) {
  const bool autoregressive = !plan_.degrees.empty();
  check(!autoregressive ||
            (plan_.in == plan_.out && static_cast<int64_t>(plan_.degrees.size()) == plan_.in),
        "[conditioner] degrees: found ", plan_.degrees.size(), " for ", plan_.in, " numbers");
  auto before = plan_.degrees;
  int64_t size = plan_.in;
  for (size_t i = 0; i < plan_.hidden.size(); ++i) {
    const int64_t units = plan_.hidden[i];
    layers_.push_back(
        register_module("hidden" + std::to_string(i), std::make_shared<Dense>(size, units)));
    if (autoregressive) {
      auto degrees = hidden_degrees(units, plan_.in);
      masks_.push_back(mask(degrees, before, false));
      before = std::move(degrees);
    }
    size = units;
  }
  layers_.push_back(
      register_module("out", near_zero(std::make_shared<Dense>(size, plan_.out * plan_.each))));
  if (autoregressive) {
    masks_.push_back(mask(plan_.degrees, before, true).repeat_interleave(plan_.each, 0));
  }
  if (plan_.context == 0) return;
  const auto bare = [&](int64_t out) {
    return std::make_shared<Dense>(plan_.context, out, Activation::kNone, false);
  };
  if (!plan_.hidden.empty()) {
    context_in_ = register_module("context_in", bare(plan_.hidden.front()));
  }
  context_out_ = register_module("context_out", near_zero(bare(plan_.out * plan_.each)));
}

Tensor Conditioner::masked(size_t layer, const Tensor& x) const {
  const auto& affine = *layers_[layer];
  if (masks_.empty()) return dense(x, affine.weight, affine.bias);
  return dense(x, affine.weight * masks_[layer].to(affine.weight.options()), affine.bias);
}

Tensor Conditioner::forward(const Tensor& z, const Tensor& h) {
  auto x = z;
  for (size_t i = 0; i + 1 < layers_.size(); ++i) {
    x = masked(i, x);
    if (i == 0 && context_in_) x = x + context_in_->forward(h);
    x = activate(x, activation_);
  }
  x = masked(layers_.size() - 1, x);
  if (context_out_) x = x + context_out_->forward(h);
  auto shape = x.sizes().vec();
  shape.back() = plan_.out;
  shape.push_back(plan_.each);
  return x.reshape(shape);
}

}  // namespace elbo
