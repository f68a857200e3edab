#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

/// In its scope a module is in evaluation mode.
class EvaluationScope {
 public:
  explicit EvaluationScope(torch::nn::Module& module)
      : module_(module), training_(module.is_training()) {
    module_.eval();
  }
  ~EvaluationScope() { module_.train(training_); }
  EvaluationScope(const EvaluationScope&) = delete;
  EvaluationScope& operator=(const EvaluationScope&) = delete;

 private:
  torch::nn::Module& module_;
  const bool training_;
};

struct FitPriorOptions {
  int64_t samples = 1;
  template <class F>
  void fields(F&& f) {
    f("samples", samples, "codes drawn per row", between(1, 100000));
  }
};

/// Fits the prior to the codes of a model that is otherwise left as it is: a second stage.
class FitPrior : public Objective {
 public:
  explicit FitPrior(FitPriorOptions options) : o_(options) {}
  std::vector<Player> players(Model& model) override {
    const auto prior = model.latent->prior_parameters();
    check(!prior.empty(),
          "[objective fit_prior] prior: it has nothing to learn; use mixture, flow, vae, "
          "diffusion or another with parameters, for codes pixel_cnn or transformer");
    return {{"prior", prior}};
  }

  Terms loss(const std::string&, Model& model, const Batch& batch, int64_t) override {
    Values values;
    {
      // Neither dropout nor running statistics of the frozen part take part.
      torch::NoGradGuard no_gradient;
      EvaluationScope evaluation(*model.latent);
      for (const auto& site : codes(model, batch).sites) values[site.name] = site.value;
    }
    const auto trace =
        model.latent->generate(batch.size() * o_.samples, tile(batch.c, o_.samples), values);
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
  Trace codes(Model& model, const Batch& batch) const {
    auto trace = model.latent->infer(batch, o_.samples);
    codes_of(trace, "objective fit_prior", o_.samples);
    return trace;
  }

  const FitPriorOptions o_;
};

const bool added = objectives().add<FitPriorOptions>(
    "fit_prior", "The prior alone is fitted to the codes of a trained model",
    [](const ObjectivePlan&, const FitPriorOptions& o) { return std::make_shared<FitPrior>(o); });

}  // namespace
}  // namespace elbo
