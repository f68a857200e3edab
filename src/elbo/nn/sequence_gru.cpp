#include "elbo/nn/dense.h"
#include "elbo/nn/gru.h"
#include "elbo/nn/sequence.h"

namespace elbo {
namespace {

struct GruOptions {
  int64_t hidden = 256, layers = 1;
  double dropout = 0;
  template <class F>
  void fields(F&& f) {
    f("hidden", hidden, "size of a layer's recurrent state", between(1, 65536));
    f("layers", layers, "number of layers", between(1, 16));
    f("dropout", dropout, "fraction of a layer's outputs dropped in training", between(0, 0.9));
  }
};

/// One layer: the context enters every step and makes what is remembered at first.
class GruLayer : public torch::nn::Module {
 public:
  GruLayer(int64_t in, int64_t context, int64_t hidden) : hidden_(hidden) {
    of_input_ = register_module("of_input", std::make_shared<Dense>(in, 3 * hidden));
    if (context > 0) {
      of_context_ = register_module(
          "of_context", std::make_shared<Dense>(context, 3 * hidden, Activation::kNone, false));
      first_ =
          register_module("first", std::make_shared<Dense>(context, hidden, Activation::kTanh));
    }
    weight_ = register_parameter("weight", torch::empty({3 * hidden, hidden}));
    bias_ = register_parameter("bias", torch::empty({3 * hidden}));
    initialize(weight_, bias_, hidden, hidden, "torch");
  }

  Tensor forward(const Tensor& x, const Tensor& sorted_context, const Packing& packing) {
    const auto before = first(packing.batch(), sorted_context);
    return gru(of_input_->forward(x), of_row(sorted_context), before, weight_, bias_,
               packing.rows());
  }

  Tensor first(int64_t rows, const Tensor& context) {
    return first_ ? first_->forward(context)
                  : torch::zeros({rows, hidden_}, bias_.options().requires_grad(false));
  }
  /// [B, 3H] what the context adds at every step.
  Tensor of_row(const Tensor& context) {
    return of_context_ ? of_context_->forward(context) : Tensor();
  }
  Tensor step(const Tensor& x, const Tensor& of_row, const Tensor& before) {
    return gru(of_input_->forward(x), of_row, before, weight_, bias_, {x.size(0)});
  }

  LayerReport report(const std::string& name) const {
    auto line = of_input_->report(name);
    line.out = {hidden_};
    for (const auto& part : {of_context_, first_}) {
      if (part) line.parameters += part->report(name).parameters;
    }
    line.parameters += weight_.numel() + bias_.numel();
    line.flops += 2 * weight_.numel();
    return line;
  }

 private:
  const int64_t hidden_;
  std::shared_ptr<Dense> of_input_, of_context_, first_;
  Tensor weight_, bias_;
};

using GruLayers = std::vector<std::shared_ptr<GruLayer>>;

class GruState : public SequenceState {
 public:
  GruState(GruLayers layers, int64_t rows, const Tensor& context) : layers_(std::move(layers)) {
    for (const auto& layer : layers_) {
      memory_.push_back(layer->first(rows, context));
      of_row_.push_back(layer->of_row(context));
    }
  }
  Tensor step(const Tensor& x) override {
    auto h = x;
    for (size_t i = 0; i < layers_.size(); ++i) {
      h = memory_[i] = layers_[i]->step(h, of_row_[i], memory_[i]);
    }
    return h;
  }
  void keep(const Tensor& rows) override {
    for (auto& memory : memory_) memory = memory.index_select(0, rows);
    for (auto& of_row : of_row_) {
      if (of_row.defined()) of_row = of_row.index_select(0, rows);
    }
  }

 private:
  GruLayers layers_;
  std::vector<Tensor> memory_, of_row_;
};

class Gru : public SequenceNetwork {
 public:
  Gru(const SequencePlan& plan, const GruOptions& o) : o_(o), steps_(plan.steps) {
    for (int64_t i = 0; i < o.layers; ++i) {
      layers_.push_back(register_module(
          "layer" + std::to_string(i),
          std::make_shared<GruLayer>(i == 0 ? plan.in : o.hidden, plan.context, o.hidden)));
    }
  }

  Tensor forward(const Tensor& x, const Tensor& context, const Packing& packing) override {
    const auto sorted = context.defined() ? packing.sorted(context) : context;
    auto h = x;
    for (const auto& layer : layers_) {
      h = layer->forward(h, sorted, packing);
      if (o_.dropout > 0) h = torch::dropout(h, o_.dropout, is_training());
    }
    return h;
  }
  std::unique_ptr<SequenceState> begin(int64_t rows, const Tensor& context) override {
    return std::make_unique<GruState>(layers_, rows, context);
  }
  int64_t out() const override { return o_.hidden; }
  std::vector<LayerReport> report() const override {
    std::vector<LayerReport> lines;
    for (size_t i = 0; i < layers_.size(); ++i) {
      lines.push_back(layers_[i]->report("gru" + std::to_string(i)));
      lines.back().flops *= steps_;
    }
    return lines;
  }

 private:
  const GruOptions o_;
  const int64_t steps_;
  GruLayers layers_;
};

const bool sequence_gru_added = sequence_networks().add<GruOptions>(
    "gru", "Gated recurrent units; the context enters every step",
    [](const SequencePlan& plan, const GruOptions& o) { return std::make_shared<Gru>(plan, o); });

}  // namespace
}  // namespace elbo
