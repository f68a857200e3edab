#include "elbo/core/schedule.h"
#include "elbo/objectives/discrepancy.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

struct DivergenceOptions {
  std::string measure = "mmd", kernel = "imq";
  Schedule weight = 10, beta = 0;
  double variance = 1;
  int64_t slices = 50;
  template <class F>
  void fields(F&& f) {
    f("measure", measure,
      "distance between codes and draws of the prior: mmd (maximum mean discrepancy) or sliced "
      "(Wasserstein)",
      one_of({"mmd", "sliced"}));
    f("kernel", kernel, "mmd: kernel, inverse multiquadratics or Gaussians of seven widths",
      one_of({"imq", "rbf"}));
    f("weight", weight, "weight of the distance", at_least(0));
    f("beta", beta, "weight of the KL term", at_least(0));
    f("variance", variance, "mmd: variance of the prior in one dimension, for the kernel's widths",
      at_least(1e-6));
    f("slices", slices, "sliced: number of random directions", between(1, 1000000));
  }
};

/// Reconstruction and a distance between the codes of a batch and draws of the prior: WAE-MMD,
/// InfoVAE (with some KL), sliced Wasserstein.
class Divergence : public Objective {
 public:
  explicit Divergence(DivergenceOptions options) : o_(std::move(options)) {}

  double kl_weight(int64_t step) const override { return o_.beta.at(step); }

  Terms loss(const Step& step) override {
    const auto bound = bound_of(step);
    const auto z = codes_of(bound.inference.trace, "objective divergence");
    const auto drawn = step.model.latent->generate(step.batch.size(), step.batch.c).code.flatten(1);
    const auto distance = o_.measure == "mmd" ? mmd(z, drawn, o_.kernel, o_.variance)
                                              : sliced_wasserstein(z, drawn, o_.slices);
    const auto loss = bound.reconstruction + o_.beta.at(step.number) * bound.divergence +
                      o_.weight.at(step.number) * distance;
    return terms_of(bound, loss, {{o_.measure, distance}});
  }

 private:
  const DivergenceOptions o_;
};

const bool divergence_added = objectives().add<DivergenceOptions>(
    "divergence", "Reconstruction and a distance between all codes and the prior: MMD, Wasserstein",
    [](const ObjectivePlan&, DivergenceOptions options) {
      return std::make_shared<Divergence>(std::move(options));
    });

}  // namespace
}  // namespace elbo
