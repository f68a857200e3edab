#include <numeric>

#include "elbo/model/flow_step.h"
#include "elbo/nn/masked.h"

// Steps whose parameters come from a network of the vector itself.

namespace elbo {
namespace {

struct NetworkOptions {
  std::vector<int64_t> hidden{128, 128};
  std::string activation = "elu";
  int64_t context = 32;
  template <class F>
  void fields(F&& f) {
    f("hidden", hidden, "sizes of the hidden layers");
    f("activation", activation, "activation after each hidden layer",
      one_of(conditioner_activations()));
    f("context", context, "features that the step reads in a posterior", between(1, 65536));
  }
};

struct IafOptions : NetworkOptions {
  bool gate = true;
  double gate_bias = 1.5;
  template <class F>
  void fields(F&& f) {
    NetworkOptions::fields(f);
    f("gate", gate, "gated form of the update (false = exp(s) z + m)");
    f("gate_bias", gate_bias, "constant added before the gate's sigmoid", between(-10, 10));
  }
};

struct SplineOptions : NetworkOptions {
  std::string structure = "coupling";
  int64_t bins = 8;
  double bound = 4;
  template <class F>
  void fields(F&& f) {
    NetworkOptions::fields(f);
    f("structure", structure, "dependence between dimensions",
      one_of({"coupling", "autoregressive"}));
    f("bins", bins, "number of pieces of the spline", between(2, 256));
    f("bound", bound, "range of the spline, from -bound to bound; the identity outside",
      between(0.1, 1000));
  }
};

ConditionerPlan conditioner(const FlowStepPlan& plan, const NetworkOptions& o, int64_t each) {
  for (int64_t units : o.hidden) {
    check(units > 0, "[step] hidden: found ", units, ", must be positive");
  }
  ConditionerPlan net{plan.size, plan.size,   each, plan.free ? 0 : o.context,
                      o.hidden,  o.activation};
  return net;
}

/// Every number by those before it; the order reverses from step to step.
class AutoregressiveStep : public FlowStep {
 public:
  /// density_first: log_prob takes one pass (MAF), else draws do (IAF).
  AutoregressiveStep(const FlowStepPlan& plan, const NetworkOptions& o, Transform transform,
                     bool density_first)
      : transform_(std::move(transform)), density_first_(density_first) {
    auto net = conditioner(plan, o, transform_.parameters);
    features_ = net.context;
    net.degrees.resize(plan.size);
    std::iota(net.degrees.begin(), net.degrees.end(), 1);
    if (plan.index % 2 == 1) std::reverse(net.degrees.begin(), net.degrees.end());
    net_ = register_module("net", std::make_shared<Conditioner>(net));
  }
  Bijection operator()(const Tensor& h) override {
    const auto map =
        autoregressive(transform_, [net = net_, h](const Tensor& z) { return net->forward(z, h); });
    return density_first_ ? inverted(map) : map;
  }
  int64_t features() const override { return features_; }

 private:
  Transform transform_;
  bool density_first_;
  int64_t features_;
  std::shared_ptr<Conditioner> net_;
};

/// Half of the numbers by the other half, taken in turns: even places and odd ones.
class CouplingStep : public FlowStep {
 public:
  CouplingStep(const char* name, const FlowStepPlan& plan, const NetworkOptions& o,
               Transform transform)
      : transform_(std::move(transform)) {
    check(plan.size >= 2, "[step ", name, "] size: found ", plan.size,
          ", coupling needs 2 dimensions or more");
    const auto even = torch::arange(0, plan.size, 2), odd = torch::arange(1, plan.size, 2);
    kept_ = plan.index % 2 == 0 ? even : odd;
    moved_ = plan.index % 2 == 0 ? odd : even;
    auto net = conditioner(plan, o, transform_.parameters);
    features_ = net.context;
    net.in = kept_.numel();
    net.out = moved_.numel();
    net_ = register_module("net", std::make_shared<Conditioner>(net));
  }
  Bijection operator()(const Tensor& h) override {
    const auto device = net_->parameters().front().device();
    return coupling(
        transform_, [net = net_, h](const Tensor& z) { return net->forward(z, h); },
        kept_.to(device), moved_.to(device));
  }
  int64_t features() const override { return features_; }

 private:
  Transform transform_;
  Tensor kept_, moved_;
  int64_t features_;
  std::shared_ptr<Conditioner> net_;
};

const bool added_iaf = flow_steps().add<IafOptions>(
    "iaf", "Inverse autoregressive: fast draws, for posteriors (Kingma et al. 2016, 1606.04934)",
    [](const FlowStepPlan& plan, const IafOptions& o) {
      const auto transform = o.gate ? gate_transform(o.gate_bias) : affine_transform();
      return std::make_shared<AutoregressiveStep>(plan, o, transform, false);
    });

const bool added_maf = flow_steps().add<NetworkOptions>(
    "maf",
    "Masked autoregressive: fast densities, for priors (Papamakarios et al. 2017, 1705.07057)",
    [](const FlowStepPlan& plan, const NetworkOptions& o) {
      return std::make_shared<AutoregressiveStep>(plan, o, affine_transform(), true);
    });

const bool added_realnvp = flow_steps().add<NetworkOptions>(
    "realnvp", "Affine coupling, fast both ways (Dinh et al. 2017, arXiv:1605.08803)",
    [](const FlowStepPlan& plan, const NetworkOptions& o) {
      return std::make_shared<CouplingStep>("realnvp", plan, o, affine_transform());
    });

const bool added_spline = flow_steps().add<SplineOptions>(
    "spline", "Rational-quadratic splines (Durkan et al. 2019, arXiv:1906.04032)",
    [](const FlowStepPlan& plan, const SplineOptions& o) -> std::shared_ptr<FlowStep> {
      const auto transform = spline_transform(o.bins, o.bound);
      if (o.structure == "coupling") {
        return std::make_shared<CouplingStep>("spline", plan, o, transform);
      }
      return std::make_shared<AutoregressiveStep>(plan, o, transform, plan.free);
    });

}  // namespace
}  // namespace elbo
