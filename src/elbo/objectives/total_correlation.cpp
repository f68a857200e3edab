#include <algorithm>

#include "elbo/core/schedule.h"
#include "elbo/objectives/correlation.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

constexpr const char* kTotalCorrelationWhere = "objective total_correlation";

struct TotalCorrelationOptions {
  Schedule alpha = 1, beta = 6, gamma = 1;
  std::string estimator = "mss";
  template <class F>
  void fields(F&& f) {
    f("alpha", alpha, "weight of the mutual information between x and z", at_least(0));
    f("beta", beta, "weight of the total correlation of z", at_least(0));
    f("gamma", gamma, "weight of the KL of each dimension", at_least(0));
    f("estimator", estimator, "estimator of q(z) from a batch: mss (stratified) or mws (weighted)",
      one_of({"mss", "mws"}));
  }
};

/// The ELBO with its KL split in three (beta-TCVAE).
class TotalCorrelation : public Objective {
 public:
  TotalCorrelation(const ObjectivePlan& plan, TotalCorrelationOptions options)
      : rows_(plan.rows), o_(std::move(options)) {}

  double kl_weight(int64_t step) const override {
    return std::max({o_.alpha.at(step), o_.beta.at(step), o_.gamma.at(step)});
  }

  Terms loss(const Step& step) override {
    const auto bound = bound_of(step);
    const auto& site = only_site(bound.inference.trace, kTotalCorrelationWhere);
    const auto parts = split_kl(pairwise_log_prob(site, kTotalCorrelationWhere), site.log_prior(),
                                rows_, o_.estimator);
    const auto penalty = o_.alpha.at(step.number) * parts.information +
                         o_.beta.at(step.number) * parts.correlation +
                         o_.gamma.at(step.number) * parts.dimensions;
    return terms_of(bound, bound.reconstruction + penalty,
                    {{"information", parts.information},
                     {"total_correlation", parts.correlation},
                     {"dimension_kl", parts.dimensions}});
  }

 private:
  const int64_t rows_;
  const TotalCorrelationOptions o_;
};

const bool total_correlation_added = objectives().add<TotalCorrelationOptions>(
    "total_correlation", "The ELBO with a weight on the total correlation of the code",
    [](const ObjectivePlan& plan, TotalCorrelationOptions options) {
      return std::make_shared<TotalCorrelation>(plan, std::move(options));
    });

}  // namespace
}  // namespace elbo
