#include "elbo/core/schedule.h"
#include "elbo/model/spec.h"
#include "elbo/objectives/critic.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

constexpr const char* kAdversarialCodeWhere = "objective adversarial_code";

struct AdversarialCodeOptions {
  Schedule weight = 1, beta = 0;
  std::string loss = "logistic";
  double penalty = 1;
  Json critic;
  template <class F>
  void fields(F&& f) {
    f("weight", weight, "weight of the critic in the encoder's loss", at_least(0));
    f("beta", beta, "weight of the KL term", at_least(0));
    f("loss", loss, "loss of the critic", one_of(kCriticLosses));
    f("penalty", penalty, "weight of half the critic's squared gradient at draws of the prior",
      at_least(0));
    f("critic", critic, "network from a code to a logit (default: three dense layers of 256)");
  }
};

/// Reconstruction, and a critic that tells codes from draws of the prior: AAE, WAE-GAN.
class AdversarialCode : public Objective {
 public:
  AdversarialCode(const ObjectivePlan& plan, AdversarialCodeOptions options)
      : o_(std::move(options)) {
    critic_ = register_module(
        "critic", make_code_critic(o_.critic, numel(plan.code), condition_size(plan.data)));
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
    const auto& c = step.batch.c;
    auto fooling =
        maker_loss((*critic_)(codes_of(bound.inference.trace, kAdversarialCodeWhere), c), o_.loss);
    // A prior with parameters moves to where the codes are.
    if (!step.model.latent->prior_parameters().empty()) {
      fooling = fooling + maker_loss(-(*critic_)(drawn(step), c), o_.loss);
    }
    const auto loss = bound.reconstruction + o_.beta.at(step.number) * bound.divergence +
                      o_.weight.at(step.number) * fooling;
    return terms_of(bound, loss, {{"fooling", fooling}});
  }

 private:
  static Tensor drawn(const Step& step) {
    return step.model.latent->generate(step.batch.size(), step.batch.c).code.flatten(1);
  }

  Terms critic_terms(const Step& step) {
    const auto made = codes_of(step.codes(), kAdversarialCodeWhere);
    Tensor real;
    {
      torch::NoGradGuard no_gradient;
      real = drawn(step);
    }
    const auto logits = [&](const Tensor& z) { return (*critic_)(z, step.batch.c); };
    return {critic_loss(logits, real, logits(made), o_.loss, o_.penalty), {}};
  }

  const AdversarialCodeOptions o_;
  std::shared_ptr<Critic> critic_;
};

const bool adversarial_code_added = objectives().add<AdversarialCodeOptions>(
    "adversarial_code", "Reconstruction, and a critic between codes and draws of the prior",
    [](const ObjectivePlan& plan, AdversarialCodeOptions options) {
      return std::make_shared<AdversarialCode>(plan, std::move(options));
    });

}  // namespace
}  // namespace elbo
