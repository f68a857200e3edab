#include "elbo/nn/attention.h"
#include "elbo/nn/causal.h"
#include "elbo/nn/dense.h"

namespace elbo {
namespace {

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
          register_module("block" + std::to_string(i),
                          std::make_shared<AttentionBlock>(o.features, o.heads, o.dropout)));
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
    std::vector<AttentionMemory> memory(blocks_.size());
    return outputs(through(h, memory))
        .transpose(1, 2)
        .reshape({rows, plan_.out, plan_.height, plan_.width});
  }

  void walk(int64_t rows, const Tensor& context, const Next& next) override {
    torch::NoGradGuard no_gradient;
    const auto known = context.defined() ? in_places(context) : context;
    std::vector<AttentionMemory> memory(blocks_.size());
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
  Tensor through(Tensor h, std::vector<AttentionMemory>& memory) {
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
