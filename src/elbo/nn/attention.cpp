#include "elbo/nn/attention.h"

#include <cmath>
#include <limits>

namespace elbo {
namespace {

constexpr int64_t kWider = 4;  // hidden units of a block's dense layers for each feature

/// Each place by itself.
Tensor normalised_places(Norm& norm, const Tensor& x) {
  return norm.forward(x.flatten(0, 1)).view(x.sizes());
}

}  // namespace

AttentionBlock::AttentionBlock(int64_t features, int64_t heads, double dropout)
    : heads_(heads), dropout_(dropout) {
  const int64_t n = features;
  norm_ = register_module("norm", std::make_shared<Norm>("layer", n));
  attend_ = register_module("attend", std::make_shared<Dense>(n, 3 * n));
  mix_ = register_module("mix", std::make_shared<Dense>(n, n));
  norm2_ = register_module("norm2", std::make_shared<Norm>("layer", n));
  hidden_ = register_module("hidden", std::make_shared<Dense>(n, kWider * n, Activation::kGelu));
  out_ = register_module("out", std::make_shared<Dense>(kWider * n, n));
}

Tensor AttentionBlock::forward(const Tensor& x, AttentionMemory& memory) {
  const auto h = x + dropped(mix_->forward(attention(normalised_places(*norm_, x), memory)));
  return h + dropped(out_->forward(hidden_->forward(normalised_places(*norm2_, h))));
}

Tensor AttentionBlock::dropped(const Tensor& x) const {
  return dropout_ > 0 ? torch::dropout(x, dropout_, is_training()) : x;
}

Tensor AttentionBlock::attention(const Tensor& x, AttentionMemory& memory) const {
  const int64_t rows = x.size(0), places = x.size(1), n = x.size(2);
  const auto parts = attend_->forward(x).view({rows, places, 3, heads_, n / heads_});
  const auto part = [&](int64_t i) { return parts.select(2, i).transpose(1, 2); };
  const auto extended = [](const Tensor& old, const Tensor& more) {
    return old.defined() ? torch::cat({old, more}, 2) : more;
  };
  memory.keys = extended(memory.keys, part(1));
  memory.values = extended(memory.values, part(2));
  auto score = part(0).matmul(memory.keys.transpose(2, 3)) /
               std::sqrt(static_cast<double>(n / heads_));  // [B, heads, P, all places]
  if (places > 1) {
    const int64_t before = memory.keys.size(2) - places;
    const auto later =
        torch::ones({places, before + places}, x.options()).triu(1 + before).to(torch::kBool);
    score = score.masked_fill(later, -std::numeric_limits<double>::infinity());
  }
  return score.softmax(-1).matmul(memory.values).transpose(1, 2).reshape({rows, places, n});
}

LayerReport AttentionBlock::report(const std::string& name) const {
  LayerReport sum{name, {out_->out}, 0, 0};
  for (const auto& part : {attend_, mix_, hidden_, out_}) {
    const auto line = part->report(name);
    sum.parameters += line.parameters;
    sum.flops += line.flops;
  }
  return sum;
}

}  // namespace elbo
