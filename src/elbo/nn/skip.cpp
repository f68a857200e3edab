#include "elbo/nn/dense.h"

namespace elbo {
namespace {

struct SkipOptions {
  std::vector<int64_t> hidden{512, 512};
  std::string activation = "relu", init = "torch";
  template <class F>
  void fields(F&& f) {
    f("hidden", hidden, "sizes of the hidden layers");
    f("activation", activation, "activation after each hidden layer", one_of(activation_names()));
    f("init", init, "initialisation of the weights", one_of(kInitializations));
  }
};

/// Dense layers, each of which reads the network's input (and condition) beside the layer before
/// it, so that no layer can lose the code (skip-VAE).
class Skip : public Network {
 public:
  Skip(const NetworkPlan& plan, const SkipOptions& o) : plan_(plan) {
    const int64_t input = numel(plan.in) + plan.condition;
    int64_t size = 0;
    const auto add = [&](const std::string& name, int64_t out, Activation activation) {
      layers_.push_back(register_module(
          name, std::make_shared<Dense>(size + input, out, activation, true, o.init)));
      size = out;
    };
    for (size_t i = 0; i < o.hidden.size(); ++i) {
      check(o.hidden[i] > 0, "[network skip] hidden: found ", o.hidden[i], ", must be positive");
      add("hidden" + std::to_string(i), o.hidden[i], activation_named(o.activation));
    }
    add("out", numel(plan.out), Activation::kNone);
  }

  Tensor forward(const Tensor& x, const Tensor& c) override {
    auto input = x.flatten(1);
    if (plan_.condition > 0) input = torch::cat({input, c.flatten(1)}, 1);
    auto h = layers_.front()->forward(input);
    for (size_t i = 1; i < layers_.size(); ++i) {
      h = layers_[i]->forward(torch::cat({h, input}, 1));
    }
    return in_shape(h, with_rows(x.size(0), plan_.out));
  }

  std::vector<LayerReport> report() const override {
    std::vector<LayerReport> lines;
    for (size_t i = 0; i < layers_.size(); ++i) {
      const bool last = i + 1 == layers_.size();
      lines.push_back(layers_[i]->report(last ? "out" : "hidden" + std::to_string(i)));
    }
    lines.back().out = plan_.out;
    return lines;
  }

 private:
  const NetworkPlan plan_;
  std::vector<std::shared_ptr<Dense>> layers_;
};

const bool skip_added =
    networks().add<SkipOptions>("skip", "Dense layers that all read the network's input again",
                                [](const NetworkPlan& plan, const SkipOptions& options) {
                                  return std::make_shared<Skip>(plan, options);
                                });

}  // namespace
}  // namespace elbo
