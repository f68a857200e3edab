#include "elbo/nn/attention.h"
#include "elbo/nn/sequence.h"

namespace elbo {
namespace {

struct SequenceTransformerOptions {
  int64_t features = 128, layers = 3, heads = 4;
  double dropout = 0;
  template <class F>
  void fields(F&& f) {
    f("features", features, "model width; a multiple of heads", between(1, 4096));
    f("layers", layers, "number of blocks of attention and two dense layers", between(1, 100));
    f("heads", heads, "number of attention heads", between(1, 64));
    f("dropout", dropout, "fraction of a block's outputs dropped in training", between(0, 0.9));
  }
};

/// Attention to all steps so far; the context enters every step.
class SequenceTransformer : public SequenceNetwork {
 public:
  SequenceTransformer(const SequencePlan& plan, const SequenceTransformerOptions& o)
      : steps_(plan.steps) {
    check(o.features % o.heads == 0, "[sequence transformer] features: found ", o.features,
          ", must be a multiple of heads (", o.heads, ")");
    enter_ = register_module("enter", std::make_shared<Dense>(plan.in, o.features));
    if (plan.context > 0) {
      of_context_ = register_module(
          "of_context",
          std::make_shared<Dense>(plan.context, o.features, Activation::kNone, false));
    }
    place_ = register_parameter("place", 0.1 * torch::randn({steps_, o.features}));
    for (int64_t i = 0; i < o.layers; ++i) {
      blocks_.push_back(
          register_module("block" + std::to_string(i),
                          std::make_shared<AttentionBlock>(o.features, o.heads, o.dropout)));
    }
    norm_ = register_module("norm", std::make_shared<Norm>("layer", o.features));
  }

  Tensor forward(const Tensor& x, const Tensor& context, const Packing& packing) override {
    std::vector<AttentionMemory> memory(blocks_.size());
    return packing.packed(
        steps(packing.padded(enter_->forward(x)), of_context(context), 0, memory));
  }

  std::unique_ptr<SequenceState> begin(int64_t, const Tensor& context) override;
  int64_t out() const override { return enter_->out; }
  std::vector<LayerReport> report() const override {
    std::vector<LayerReport> lines{enter_->report("enter")};
    for (size_t i = 0; i < blocks_.size(); ++i) {
      lines.push_back(blocks_[i]->report("block" + std::to_string(i)));
    }
    for (auto& line : lines) line.flops *= steps_;
    lines.front().parameters += place_.numel();
    return lines;
  }

 private:
  friend class SequenceTransformerState;

  Tensor of_context(const Tensor& context) {
    return context.defined() ? of_context_->forward(context).unsqueeze(1) : context;
  }
  /// entered: [B, P, features], the steps from `from` on.
  Tensor steps(const Tensor& entered, const Tensor& context, int64_t from,
               std::vector<AttentionMemory>& memory) {
    auto h = entered + place_.narrow(0, from, entered.size(1));
    if (context.defined()) h = h + context;
    for (size_t i = 0; i < blocks_.size(); ++i) h = blocks_[i]->forward(h, memory[i]);
    return norm_->forward(h.flatten(0, 1)).view(h.sizes());
  }

  const int64_t steps_;
  std::shared_ptr<Dense> enter_, of_context_;
  Tensor place_;  // [steps, features]
  std::vector<std::shared_ptr<AttentionBlock>> blocks_;
  std::shared_ptr<Norm> norm_;
};

class SequenceTransformerState : public SequenceState {
 public:
  SequenceTransformerState(SequenceTransformer& network, const Tensor& context)
      : network_(network), context_(network.of_context(context)), memory_(network.blocks_.size()) {}
  Tensor step(const Tensor& x) override {
    return network_.steps(network_.enter_->forward(x).unsqueeze(1), context_, at_++, memory_)
        .squeeze(1);
  }
  void keep(const Tensor& rows) override {
    if (context_.defined()) context_ = context_.index_select(0, rows);
    for (auto& memory : memory_) {
      if (!memory.keys.defined()) continue;
      memory.keys = memory.keys.index_select(0, rows);
      memory.values = memory.values.index_select(0, rows);
    }
  }

 private:
  SequenceTransformer& network_;
  Tensor context_;
  std::vector<AttentionMemory> memory_;
  int64_t at_ = 0;
};

std::unique_ptr<SequenceState> SequenceTransformer::begin(int64_t, const Tensor& context) {
  return std::make_unique<SequenceTransformerState>(*this, context);
}

const bool sequence_transformer_added = sequence_networks().add<SequenceTransformerOptions>(
    "transformer", "Attention to all steps before; the context enters every step",
    [](const SequencePlan& plan, const SequenceTransformerOptions& o) {
      return std::make_shared<SequenceTransformer>(plan, o);
    });

}  // namespace
}  // namespace elbo
