#include <cmath>
#include <limits>

#include "elbo/nn/causal.h"
#include "elbo/nn/dense.h"
#include "elbo/nn/norm.h"

namespace elbo {
namespace {

constexpr int64_t kWider = 4;  // hidden units of a block's dense layers for each feature

/// Keys and values of the places so far, [B, heads, places, features / heads].
struct Memory {
  Tensor keys, values;
};

class AttentionBlock : public torch::nn::Module {
 public:
  explicit AttentionBlock(const TransformerOptions& o) : heads_(o.heads), dropout_(o.dropout) {
    const int64_t n = o.features;
    norm_ = register_module("norm", std::make_shared<Norm>("layer", n));
    attend_ = register_module("attend", std::make_shared<Dense>(n, 3 * n));
    mix_ = register_module("mix", std::make_shared<Dense>(n, n));
    norm2_ = register_module("norm2", std::make_shared<Norm>("layer", n));
    hidden_ = register_module("hidden", std::make_shared<Dense>(n, kWider * n, Activation::kGelu));
    out_ = register_module("out", std::make_shared<Dense>(kWider * n, n));
  }

  /// x: [B, P, n], what comes after the places in memory, which grows by them.
  Tensor forward(const Tensor& x, Memory& memory) {
    const auto h = x + dropped(mix_->forward(attention(normalised(*norm_, x), memory)));
    return h + dropped(out_->forward(hidden_->forward(normalised(*norm2_, h))));
  }

 private:
  /// Each place by itself.
  static Tensor normalised(Norm& norm, const Tensor& x) {
    return norm.forward(x.flatten(0, 1)).view(x.sizes());
  }
  Tensor dropped(const Tensor& x) const {
    return dropout_ > 0 ? torch::dropout(x, dropout_, is_training()) : x;
  }
  Tensor attention(const Tensor& x, Memory& memory) const {
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

  const int64_t heads_;
  const double dropout_;
  std::shared_ptr<Norm> norm_, norm2_;
  std::shared_ptr<Dense> attend_, mix_, hidden_, out_;
};

class Transformer : public CausalNetwork {
 public:
  Transformer(const CausalPlan& plan, const TransformerOptions& o)
      : plan_(plan), places_(plan.height * plan.width) {
    check(o.features % o.heads == 0, "[transformer] features: found ", o.features,
          ", must be a multiple of heads (", o.heads, ")");
    enter_ = register_module("enter", std::make_shared<Dense>(plan.in + plan.context, o.features));
    place_ = register_parameter("place", 0.1 * torch::randn({places_, o.features}));
    for (int64_t i = 0; i < o.layers; ++i) {
      blocks_.push_back(
          register_module("block" + std::to_string(i), std::make_shared<AttentionBlock>(o)));
    }
    norm_ = register_module("norm", std::make_shared<Norm>("layer", o.features));
    out_ = register_module("out", std::make_shared<Dense>(o.features, plan.out));
  }

  Tensor forward(const Tensor& x, const Tensor& context) override {
    const int64_t rows = x.size(0);
    // A place reads the input before it, and its own context.
    const auto before = torch::cat(
        {torch::zeros({rows, 1, plan_.in}, x.options()), in_places(x).narrow(1, 0, places_ - 1)},
        1);
    auto h = entered(before, context.defined() ? in_places(context) : context, 0);
    std::vector<Memory> memory(blocks_.size());
    return outputs(through(h, memory))
        .transpose(1, 2)
        .reshape({rows, plan_.out, plan_.height, plan_.width});
  }

  void walk(int64_t rows, const Tensor& context, const Next& next) override {
    torch::NoGradGuard no_gradient;
    const auto known = context.defined() ? in_places(context) : context;
    std::vector<Memory> memory(blocks_.size());
    auto before = torch::zeros({rows, 1, plan_.in}, place_.options().requires_grad(false));
    for (int64_t i = 0; i < places_; ++i) {
      const auto here = known.defined() ? known.narrow(1, i, 1) : known;
      const auto h = through(entered(before, here, i), memory);
      before = next(outputs(h).flatten(1)).unsqueeze(1);
    }
  }

 private:
  /// [B, k, H, W] -> [B, H W, k]
  static Tensor in_places(const Tensor& x) { return x.flatten(2).transpose(1, 2); }

  Tensor entered(const Tensor& before, const Tensor& context, int64_t from) {
    const auto read = context.defined() ? torch::cat({before, context}, 2) : before;
    return enter_->forward(read) + place_.narrow(0, from, before.size(1));
  }
  Tensor through(Tensor h, std::vector<Memory>& memory) {
    for (size_t i = 0; i < blocks_.size(); ++i) h = blocks_[i]->forward(h, memory[i]);
    return h;
  }
  Tensor outputs(const Tensor& h) {
    return out_->forward(norm_->forward(h.flatten(0, 1))).view({h.size(0), h.size(1), -1});
  }

  const CausalPlan plan_;
  const int64_t places_;
  std::shared_ptr<Dense> enter_, out_;
  Tensor place_;  // [H W, features]
  std::vector<std::shared_ptr<AttentionBlock>> blocks_;
  std::shared_ptr<Norm> norm_;
};

}  // namespace

std::shared_ptr<CausalNetwork> make_transformer(const CausalPlan& plan,
                                                const TransformerOptions& o) {
  return std::make_shared<Transformer>(plan, o);
}

}  // namespace elbo
