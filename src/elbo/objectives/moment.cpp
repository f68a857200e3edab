#include "elbo/core/schedule.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

constexpr const char* kMomentWhere = "objective moment";

struct MomentOptions {
  std::string of = "means";
  double off_diagonal = 10, diagonal = 100;
  Schedule beta = 1;
  template <class F>
  void fields(F&& f) {
    f("of", of, "codes whose covariance is penalised: posterior means (I) or draws (II)",
      one_of({"means", "draws"}));
    f("off_diagonal", off_diagonal, "weight of the squared covariances", at_least(0));
    f("diagonal", diagonal, "weight of the squared differences of variances from 1", at_least(0));
    f("beta", beta, "weight of the KL term", at_least(0));
  }
};

/// The ELBO and a penalty that draws the code's covariance towards the identity (DIP-VAE).
class Moment : public Objective {
 public:
  explicit Moment(MomentOptions options) : o_(std::move(options)) {}

  double kl_weight(int64_t step) const override { return o_.beta.at(step); }

  Terms loss(const Step& step) override {
    const auto bound = bound_of(step);
    const auto C = covariance(only_site(bound.inference.trace, kMomentWhere));  // [d, d]
    const auto variances = C.diagonal();
    const auto off = C.square().sum() - variances.square().sum();
    const auto penalty = o_.off_diagonal * off + o_.diagonal * (variances - 1).square().sum();
    return terms_of(bound,
                    bound.reconstruction + o_.beta.at(step.number) * bound.divergence + penalty,
                    {{"moment", penalty}});
  }

 private:
  /// Cov(E[z|x]), and for the draws' covariance E[Cov(z|x)] on top; divided by B, not B - 1.
  Tensor covariance(const Site& site) const {
    const auto means = site.posterior->mean().flatten(1);
    const auto centred = means - means.mean(0);
    const auto C = centred.t().mm(centred) / means.size(0);
    if (o_.of == "means") return C;
    const auto deviation = site.posterior->stddev();
    check(deviation.defined(), "[", kMomentWhere,
          "] of: draws needs a posterior whose deviation is "
          "known in closed form; use means");
    return C + deviation.flatten(1).square().mean(0).diag();
  }

  const MomentOptions o_;
};

const bool moment_added = objectives().add<MomentOptions>(
    "moment", "The ELBO and a penalty on the covariance of the code",
    [](const ObjectivePlan&, MomentOptions options) {
      return std::make_shared<Moment>(std::move(options));
    });

}  // namespace
}  // namespace elbo
