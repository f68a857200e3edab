#include "elbo/nn/dense.h"
#include "elbo/nn/sequence.h"

namespace elbo {
namespace {

struct CausalConvOptions {
  int64_t hidden = 256, layers = 6, kernel = 3, cycle = 4;
  double dropout = 0;
  template <class F>
  void fields(F&& f) {
    f("hidden", hidden, "channels per layer", between(1, 65536));
    f("layers", layers, "number of gated residual layers", between(1, 100));
    f("kernel", kernel, "kernel size of a layer, in steps", between(2, 31));
    f("cycle", cycle, "dilation doubles with each layer and restarts at 1 after this many layers",
      between(1, 20));
    f("dropout", dropout, "fraction of a layer's outputs dropped in training", between(0, 0.9));
  }
};

/// x + out(gate(…)) of a dilated causal convolution): what stood `dilation` and 2 `dilation`
/// … steps ago, and the context.
class CausalLayer : public torch::nn::Module {
 public:
  CausalLayer(const CausalConvOptions& o, int64_t context, int64_t dilation)
      : kernel(o.kernel), dilation(dilation), dropout_(o.dropout) {
    gate_ = register_module(
        "gate", std::make_shared<Dense>(kernel * o.hidden + context, o.hidden, Activation::kGated));
    out_ = register_module("out", std::make_shared<Dense>(o.hidden, o.hidden));
  }
  /// taps: [N, kernel * hidden + context], the present step last of the taps; h: [N, hidden].
  Tensor forward(const Tensor& taps, const Tensor& h) {
    const auto more = out_->forward(gate_->forward(taps));
    return h + (dropout_ > 0 ? torch::dropout(more, dropout_, is_training()) : more);
  }
  LayerReport report(const std::string& name) const {
    auto line = gate_->report(name);
    const auto out = out_->report(name);
    return {name, out.out, line.parameters + out.parameters, line.flops + out.flops};
  }
  const int64_t kernel, dilation;

 private:
  const double dropout_;
  std::shared_ptr<Dense> gate_, out_;
};
using CausalLayers = std::vector<std::shared_ptr<CausalLayer>>;

/// Keeps of each layer the inputs that later steps look back to.
class ConvState : public SequenceState {
 public:
  ConvState(CausalLayers layers, std::shared_ptr<Dense> enter, int64_t rows, const Tensor& context,
            const Tensor& like)
      : layers_(std::move(layers)), enter_(std::move(enter)), context_(context) {
    for (const auto& layer : layers_) {
      past_.emplace_back(static_cast<size_t>((layer->kernel - 1) * layer->dilation),
                         torch::zeros({rows, enter_->out}, like.options().requires_grad(false)));
    }
  }
  Tensor step(const Tensor& x) override {
    auto h = enter_->forward(x);
    for (size_t i = 0; i < layers_.size(); ++i) {
      auto& past = past_[i];
      std::vector<Tensor> taps;
      for (int64_t k = 0; k + 1 < layers_[i]->kernel; ++k) {
        taps.push_back(past[(at_ + k * layers_[i]->dilation) % past.size()]);
      }
      taps.push_back(h);
      if (context_.defined()) taps.push_back(context_);
      const auto out = layers_[i]->forward(torch::cat(taps, 1), h);
      past[at_ % past.size()] = h;  // takes the place of the oldest
      h = out;
    }
    ++at_;
    return h;
  }
  void keep(const Tensor& rows) override {
    if (context_.defined()) context_ = context_.index_select(0, rows);
    for (auto& past : past_) {
      for (auto& one : past) one = one.index_select(0, rows);
    }
  }

 private:
  CausalLayers layers_;
  std::shared_ptr<Dense> enter_;
  Tensor context_;
  std::vector<std::vector<Tensor>> past_;  // rings of the last inputs of each layer
  size_t at_ = 0;
};

class CausalConv : public SequenceNetwork {
 public:
  CausalConv(const SequencePlan& plan, const CausalConvOptions& o) : o_(o), steps_(plan.steps) {
    enter_ = register_module("enter", std::make_shared<Dense>(plan.in, o.hidden));
    for (int64_t i = 0; i < o.layers; ++i) {
      layers_.push_back(register_module(
          "layer" + std::to_string(i),
          std::make_shared<CausalLayer>(o, plan.context, int64_t{1} << (i % o.cycle))));
    }
  }

  Tensor forward(const Tensor& x, const Tensor& context, const Packing& packing) override {
    auto h = packing.padded(enter_->forward(x));  // [B, T, hidden]
    const auto wide = context.defined()
                          ? context.unsqueeze(1).expand({h.size(0), h.size(1), context.size(1)})
                          : context;
    for (const auto& layer : layers_) {
      std::vector<Tensor> taps;
      for (int64_t k = layer->kernel - 1; k > 0; --k) {
        taps.push_back(delayed(h, k * layer->dilation));
      }
      taps.push_back(h);
      if (wide.defined()) taps.push_back(wide);
      h = layer->forward(torch::cat(taps, 2), h);
    }
    return packing.packed(h);
  }

  std::unique_ptr<SequenceState> begin(int64_t rows, const Tensor& context) override {
    return std::make_unique<ConvState>(layers_, enter_, rows, context, enter_->weight);
  }
  int64_t out() const override { return o_.hidden; }
  std::vector<LayerReport> report() const override {
    std::vector<LayerReport> lines{enter_->report("enter")};
    for (size_t i = 0; i < layers_.size(); ++i) {
      lines.push_back(layers_[i]->report("conv" + std::to_string(i)));
    }
    for (auto& line : lines) line.flops *= steps_;
    return lines;
  }

 private:
  /// [B, T, n] as it was so many steps before; zero at the beginning.
  static Tensor delayed(const Tensor& h, int64_t by) {
    const int64_t steps = h.size(1), shift = std::min(by, steps);
    const auto nothing = torch::zeros({h.size(0), shift, h.size(2)}, h.options());
    return torch::cat({nothing, h.narrow(1, 0, steps - shift)}, 1);
  }

  const CausalConvOptions o_;
  const int64_t steps_;
  std::shared_ptr<Dense> enter_;
  CausalLayers layers_;
};

const bool sequence_conv_added = sequence_networks().add<CausalConvOptions>(
    "causal_conv", "Gated convolutions over the steps before, with growing dilation",
    [](const SequencePlan& plan, const CausalConvOptions& o) {
      return std::make_shared<CausalConv>(plan, o);
    });

}  // namespace
}  // namespace elbo
