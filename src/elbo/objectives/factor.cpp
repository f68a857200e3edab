#include "elbo/core/schedule.h"
#include "elbo/objectives/critic.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

constexpr const char* kFactorWhere = "objective factor";

struct FactorOptions {
  Schedule gamma = 10, beta = 1;
  Json critic;
  template <class F>
  void fields(F&& f) {
    f("gamma", gamma, "weight of the total correlation", at_least(0));
    f("beta", beta, "weight of the KL term", at_least(0));
    f("critic", critic, "network from a code to a logit (default: three dense layers of 256)");
  }
};

/// [B, d] with each column shuffled on its own.
Tensor shuffled_columns(const Tensor& z) {
  return z.gather(0, torch::rand(z.sizes(), z.options()).argsort(0, false));
}

/// The ELBO and the total correlation of the code by a density ratio: a critic tells codes from
/// codes whose columns were shuffled (FactorVAE).
class Factor : public Objective {
 public:
  Factor(const ObjectivePlan& plan, FactorOptions options) : o_(std::move(options)) {
    critic_ = register_module("critic", make_code_critic(o_.critic, numel(plan.code), 0));
  }

  double kl_weight(int64_t step) const override { return o_.beta.at(step); }

  std::vector<Player> players(Model& model) override {
    auto list = Objective::players(model);
    list.push_back(
        {"critic", critic_->parameters(), [this](const Step& step) { return critic_terms(step); }});
    return list;
  }

  Terms loss(const Step& step) override {
    const auto bound = bound_of(step);
    // The logit of an optimal critic is log q(z) - log of the product of q(z_k).
    const auto correlation = (*critic_)(codes_of(bound.inference.trace, kFactorWhere)).mean();
    const auto loss = bound.reconstruction + o_.beta.at(step.number) * bound.divergence +
                      o_.gamma.at(step.number) * correlation;
    return terms_of(bound, loss, {{"total_correlation", correlation}});
  }

 private:
  /// The shuffled codes come from other rows than the plain ones, as in the paper.
  Terms critic_terms(const Step& step) {
    const int64_t half = step.batch.size() / 2;
    check(half > 0, "[", kFactorWhere, "] batch: found ", step.batch.size(),
          " row, needs 2 or more");
    const auto z = codes_of(step.codes(), kFactorWhere);
    const auto plain = (*critic_)(z.narrow(0, 0, half));
    const auto shuffled = (*critic_)(shuffled_columns(z.slice(0, half)));
    return {critic_loss(plain, shuffled, "logistic"), {}};
  }

  const FactorOptions o_;
  std::shared_ptr<Critic> critic_;
};

const bool factor_added = objectives().add<FactorOptions>(
    "factor", "The ELBO and the code's total correlation, estimated by a critic's density ratio",
    [](const ObjectivePlan& plan, FactorOptions options) {
      return std::make_shared<Factor>(plan, std::move(options));
    });

}  // namespace
}  // namespace elbo
