#include "elbo/distributions/continuous.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

struct TwoStageOptions {
  Schedule beta = 1;
  template <class F>
  void fields(F&& f) {
    f("beta", beta, "weight of the KL from a standard normal in the first stage", at_least(0));
  }
};

/// Two stages side by side: codes are learned under a standard normal prior, and the model's own
/// prior follows them without changing them.
class TwoStage : public Objective {
 public:
  TwoStage(const ObjectivePlan& plan, TwoStageOptions options) : o_(std::move(options)) {
    second_ = register_module(
        "second", objectives().make(plan, Json{{"type", "fit_prior"}, {"start", false}}));
  }

  double kl_weight(int64_t step) const override { return o_.beta.at(step); }

  std::vector<Player> players(Model& model) override {
    auto both = Objective::players(model);
    both.front().parameters = other_parameters(model, model.latent->prior_parameters());
    both.push_back(second_->players(model).front());
    return both;
  }

  Terms loss(const Step& step) override {
    const auto inference = step.infer();
    auto site = only_site(inference.trace, "objective two_stage");
    site.prior = std::make_shared<StandardNormal>(Shape(site.value.sizes().slice(1).vec()),
                                                  site.value.options().requires_grad(false));
    const auto reconstruction = average(inference.trace, log_likelihood(inference, step.batch), -1);
    const auto divergence = site.kl().mean();
    Terms terms{reconstruction + o_.beta.at(step.number) * divergence, {}};
    terms.parts.emplace_back("reconstruction", reconstruction.detach());
    terms.parts.emplace_back("kl_to_normal", divergence.detach());
    return terms;
  }

  /// The bound with the model's own prior: that of both stages.
  Terms validate(Model& model, const Batch& batch) override {
    const auto bound = bound_of(model, batch);
    return terms_of(bound, bound.reconstruction + bound.divergence);
  }

 private:
  TwoStageOptions o_;
  std::shared_ptr<Objective> second_;
};

const bool two_stage_added = objectives().add<TwoStageOptions>(
    "two_stage", "Codes under a standard normal, with a prior fitted to them alongside",
    [](const ObjectivePlan& plan, TwoStageOptions options) {
      return std::make_shared<TwoStage>(plan, std::move(options));
    });

}  // namespace
}  // namespace elbo
