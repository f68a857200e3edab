#include "elbo/model/refinement.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

struct SemiAmortizedOptions {
  int64_t steps = 10, samples = 1;
  double beta = 1;
  template <class F>
  void fields(F&& f) {
    f("steps", steps,
      "gradient steps by which each row's posterior is improved before the decoder learns from it",
      between(1, 10000));
    f("samples", samples, "draws per row", between(1, 100000));
    f("beta", beta, "weight of the KL term", at_least(0));
  }
};

/// The decoder and the prior learn by the ELBO at each row's own posterior, which starts at the
/// encoder's; the encoder learns by the ELBO at its own. First order: gradients are not followed
/// back through the steps (Krishnan et al. 2018, arXiv:1710.06085; Kim et al. 2018,
/// arXiv:1802.02550).
class SemiAmortized : public Objective {
 public:
  explicit SemiAmortized(SemiAmortizedOptions options) : o_(std::move(options)) {}

  double kl_weight(int64_t) const override { return o_.beta; }
  int64_t draws() const override { return o_.samples; }

  std::vector<Player> players(Model& model) override {
    const auto generative = generative_parameters(model);
    return {{"generative", generative, [this](const Step& step) { return refined(step); }},
            {"inference", other_parameters(model, generative),
             [this](const Step& step) { return loss(step); }}};
  }

  Terms loss(const Step& step) override { return terms(bound_of(step, o_.samples)); }

 private:
  Terms terms(const Bound& bound) const {
    return terms_of(bound, bound.reconstruction + o_.beta * bound.divergence);
  }

  Terms refined(const Step& step) const {
    const Refinement own(step.model, step.batch, o_.steps, Refinement::Keep::kAll);
    return terms(bound_of(step, o_.samples));
  }

  const SemiAmortizedOptions o_;
};

const bool semi_amortized_added = objectives().add<SemiAmortizedOptions>(
    "semi_amortized", "The ELBO with posteriors that some steps have fitted to each row",
    [](const ObjectivePlan&, SemiAmortizedOptions options) {
      return std::make_shared<SemiAmortized>(std::move(options));
    });

}  // namespace
}  // namespace elbo
