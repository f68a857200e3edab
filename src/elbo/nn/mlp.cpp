#include "elbo/nn/dense.h"
#include "elbo/nn/norm.h"

namespace elbo {
namespace {

struct MlpOptions {
  std::vector<int64_t> hidden{512, 512};
  std::string activation = "relu", norm = "none", init = "torch";
  bool residual = false;
  double dropout = 0;
  template <class F>
  void fields(F&& f) {
    f("hidden", hidden, "sizes of the hidden layers ([] = a linear map)");
    f("activation", activation, "activation after each hidden layer", one_of(activation_names()));
    f("norm", norm, "normalisation before the activation", one_of({"none", "batch", "layer"}));
    f("residual", residual, "add a layer's input to its output where the sizes agree");
    f("dropout", dropout, "fraction of hidden units dropped in training", between(0, 0.99));
    f("init", init, "initialisation of the weights", one_of(kInitializations));
  }
};

/// Affine map, normalisation, activation, dropout.
class Layer : public torch::nn::Module {
 public:
  Layer(int64_t in, int64_t out, const MlpOptions& o)
      : activation_(activation_named(o.activation)),
        residual_(o.residual && in == out),
        dropout_(o.dropout) {
    const bool gated = activation_ == Activation::kGated;
    const bool plain = o.norm == "none";
    const auto fused = plain ? activation_ : Activation::kNone;
    affine_ = register_module("affine", std::make_shared<Dense>(in, gated && !plain ? 2 * out : out,
                                                                fused, true, o.init));
    if (!plain) norm_ = register_module("norm", std::make_shared<Norm>(o.norm, affine_->out));
  }

  Tensor forward(const Tensor& x) {
    auto h = affine_->forward(x);
    if (norm_) h = watched(*this, x, activate(norm_->forward(h), activation_), 1);
    if (dropout_ > 0) h = torch::dropout(h, dropout_, is_training());
    return residual_ ? h + x : h;
  }

  DenseLayer affine() const { return affine_->layer(); }

  void report(const std::string& name, std::vector<LayerReport>& lines) const {
    lines.push_back(affine_->report(name));
    if (norm_) lines.push_back(norm_->report(name + ".norm", {affine_->out}));
  }

 private:
  std::shared_ptr<Dense> affine_;
  std::shared_ptr<Norm> norm_;
  const Activation activation_;
  const bool residual_;
  const double dropout_;
};

class Mlp : public Network {
 public:
  Mlp(const NetworkPlan& plan, const MlpOptions& o)
      : plan_(plan), affine_alone_(o.norm == "none" && !o.residual && o.dropout == 0) {
    check(o.dropout >= 0 && o.dropout < 1, "[network mlp] dropout: found ", o.dropout,
          ", allowed 0 to below 1");
    int64_t size = numel(plan.in) + plan.condition;
    for (size_t i = 0; i < o.hidden.size(); ++i) {
      check(o.hidden[i] > 0, "[network mlp] hidden: found ", o.hidden[i], ", must be positive");
      layers_.push_back(register_module("hidden" + std::to_string(i),
                                        std::make_shared<Layer>(size, o.hidden[i], o)));
      size = o.hidden[i];
    }
    out_ = register_module(
        "out", std::make_shared<Dense>(size, numel(plan.out), Activation::kNone, true, o.init));
  }

  Tensor forward(const Tensor& x, const Tensor& c) override {
    auto h = x.dim() == 2 ? x : x.flatten(1);
    if (plan_.condition > 0) h = torch::cat({h, c.flatten(1)}, 1);
    return in_shape(through_layers(h), with_rows(x.size(0), plan_.out));
  }

  std::vector<LayerReport> report() const override {
    std::vector<LayerReport> lines;
    for (size_t i = 0; i < layers_.size(); ++i) {
      layers_[i]->report("hidden" + std::to_string(i), lines);
    }
    lines.push_back(out_->report("out"));
    lines.back().out = plan_.out;
    return lines;
  }

 private:
  Tensor through_layers(Tensor h) const {
    if (affine_alone_ && !LayerWatch::current()) {
      std::vector<DenseLayer> chain;
      chain.reserve(layers_.size() + 1);
      for (const auto& layer : layers_) chain.push_back(layer->affine());
      chain.push_back(out_->layer());
      return dense_chain(h, chain);
    }
    for (const auto& layer : layers_) h = layer->forward(h);
    return out_->forward(h);
  }

  const NetworkPlan plan_;
  const bool affine_alone_;
  std::vector<std::shared_ptr<Layer>> layers_;
  std::shared_ptr<Dense> out_;
};

const bool mlp_added =
    networks().add<MlpOptions>("mlp", "Dense layers on the flattened input",
                               [](const NetworkPlan& plan, const MlpOptions& options) {
                                 return std::make_shared<Mlp>(plan, options);
                               });

}  // namespace
}  // namespace elbo
