#include "elbo/core/schedule.h"
#include "elbo/objectives/critic.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

constexpr const char* kRegularizedWhere = "objective regularized";
constexpr int kPowerIterations = 10;

struct RegularizedOptions {
  std::string decoder = "gradient";
  Schedule weight = 1e-6, beta = 1e-4;
  template <class F>
  void fields(F&& f) {
    f("decoder", decoder,
      "penalty on the decoder: its squared gradient, its squared weights, or their largest "
      "singular values",
      one_of({"gradient", "weights", "spectral"}));
    f("weight", weight, "weight of the decoder's penalty", at_least(0));
    f("beta", beta, "weight of the KL term (for a point posterior: of half the squared code)",
      at_least(0));
  }
};

/// The largest singular value of a weight [out, …], by power iteration from a fixed start.
Tensor largest_singular_value(const Tensor& weight) {
  const auto W = weight.flatten(1);
  Tensor u, v;
  {
    torch::NoGradGuard no_gradient;
    u = torch::ones({W.size(0)}, W.options());
    for (int i = 0; i < kPowerIterations; ++i) {
      v = W.t().mv(u);
      v = v / v.norm().clamp_min(1e-12);
      u = W.mv(v);
      u = u / u.norm().clamp_min(1e-12);
    }
  }
  return u.dot(W.mv(v));
}

/// A deterministic autoencoder whose code is drawn to 0 and whose decoder is kept smooth (RAE).
class Regularized : public Objective {
 public:
  explicit Regularized(RegularizedOptions options) : o_(std::move(options)) {}

  double kl_weight(int64_t step) const override { return o_.beta.at(step); }

  Terms loss(const Step& step) override {
    const auto bound = bound_of(step);
    const auto penalty = o_.decoder == "gradient"
                             ? gradient(step.model, bound.inference.trace, step.batch)
                             : of_weights(*step.model.decoder);
    const auto loss = bound.reconstruction + o_.beta.at(step.number) * bound.divergence +
                      o_.weight.at(step.number) * penalty;
    return terms_of(bound, loss, {{"decoder_" + o_.decoder, penalty}});
  }

 private:
  /// Mean over rows of the squared Frobenius norm of the decoder's Jacobian: |J^T v|^2 for random
  /// signs v has it as its mean.
  Tensor gradient(Model& model, const Trace& trace, const Batch& batch) const {
    const bool differentiable = torch::GradMode::is_enabled();
    torch::AutoGradMode with_gradient(true);
    const auto code = trace.code.detach().requires_grad_(true);
    const auto mean = model.decode(code, tile(batch.c, trace.log_weight.size(0)))->mean();
    check(mean.requires_grad(), "[", kRegularizedWhere,
          "] decoder: gradient needs a likelihood whose mean moves with its parameters; use "
          "weights or spectral");
    const auto signs = torch::randint(2, mean.sizes(), mean.options()) * 2 - 1;
    const auto penalty = squared_gradient(mean * signs, code);
    return differentiable ? penalty : penalty.detach();
  }

  Tensor of_weights(const Network& decoder) const {
    Tensor total;
    for (const auto& p : decoder.parameters()) {
      if (p.dim() < 2) continue;
      const auto one =
          o_.decoder == "weights" ? p.square().sum() : largest_singular_value(p).square();
      total = total.defined() ? total + one : one;
    }
    check(total.defined(), "[", kRegularizedWhere,
          "] decoder: this network has no weights to penalise");
    return total;
  }

  const RegularizedOptions o_;
};

const bool regularized_added = objectives().add<RegularizedOptions>(
    "regularized", "Reconstruction, a penalty on the code and one on the decoder (RAE)",
    [](const ObjectivePlan&, RegularizedOptions options) {
      return std::make_shared<Regularized>(std::move(options));
    });

}  // namespace
}  // namespace elbo
