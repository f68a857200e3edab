#include "elbo/model/evaluation_scope.h"
#include "elbo/model/starts_from_codes.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

struct FitPriorOptions {
  int64_t samples = 1;
  bool start = true;
  template <class F>
  void fields(F&& f) {
    f("samples", samples, "codes drawn per row", between(1, 100000));
    f("start", start, "show the prior the first batch's codes before it is fitted to them");
  }
};

/// Fits the prior to the codes of a model that is otherwise left as it is: a second stage.
class FitPrior : public Objective {
 public:
  explicit FitPrior(FitPriorOptions options) : o_(options) {}
  int64_t draws() const override { return o_.samples; }

  std::vector<Player> players(Model& model) override {
    const auto prior = model.latent->prior_parameters();
    check(!prior.empty(),
          "[objective fit_prior] prior: it has nothing to learn; use mixture, flow, vae, "
          "diffusion or another with parameters, for codes pixel_cnn or transformer");
    return {{"prior", prior, [this](const Step& step) { return loss(step); }}};
  }

  Terms loss(const Step& step) override {
    auto& latent = *step.model.latent;
    Values values;
    {
      // Neither dropout nor running statistics of the frozen part take part.
      torch::NoGradGuard no_gradient;
      EvaluationScope evaluation(latent);
      for (const auto& site : codes(latent, step.batch).sites) values[site.name] = site.value;
    }
    if (o_.start && step.number == 0 && latent.is_training()) show(latent, values);
    const auto trace =
        latent.generate(step.batch.size() * o_.samples, tile(step.batch.c, o_.samples), values);
    Tensor log_prior;
    for (const auto& site : trace.sites) {
      const auto one = site.log_prior();
      log_prior = log_prior.defined() ? log_prior + one : one;
    }
    Terms terms{-log_prior.mean(), {}};
    terms.parts.emplace_back("prior", terms.loss.detach());
    return terms;
  }

 private:
  static void show(Latent& latent, const Values& values) {
    for (const auto& module : latent.modules()) {
      auto* part = dynamic_cast<StartsFromCodes*>(module.get());
      if (part && values.size() == 1) part->start(values.begin()->second);
    }
  }

  Trace codes(Latent& latent, const Batch& batch) const {
    auto trace = latent.infer(batch, o_.samples);
    codes_of(trace, "objective fit_prior", o_.samples);
    return trace;
  }

  const FitPriorOptions o_;
};

const bool fit_prior_added = objectives().add<FitPriorOptions>(
    "fit_prior", "The prior alone is fitted to the codes of a trained model",
    [](const ObjectivePlan&, const FitPriorOptions& o) { return std::make_shared<FitPrior>(o); });

}  // namespace
}  // namespace elbo
