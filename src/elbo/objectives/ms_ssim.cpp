#include "elbo/core/schedule.h"
#include "elbo/objectives/similarity.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

constexpr const char* kMsSsimWhere = "objective ms_ssim";

struct MsSsimOptions {
  Schedule weight = 1, beta = 1, likelihood_weight = 0.01;
  template <class F>
  void fields(F&& f) {
    f("weight", weight, "cost of a similarity of 0, in nats per pixel", at_least(0));
    f("beta", beta, "weight of the KL term", at_least(0));
    f("likelihood_weight", likelihood_weight,
      "weight of -log p(x|z): small, so that the likelihood's scale is learned", at_least(0));
  }
};

/// Images are reconstructed by their multi-scale structural similarity instead of a likelihood.
class MsSsim : public Objective {
 public:
  MsSsim(const ObjectivePlan& plan, MsSsimOptions options) : o_(std::move(options)) {
    const auto& x = plan.data.x;
    check(x.shape.size() == 3 && is_bounded(x.kind), "[", kMsSsimWhere, "] ", x.kind,
          " data of shape ", to_string(x.shape), ": needs images of kind binary, byte or unit");
    pixels_ = static_cast<double>(numel(x.shape));
  }

  double kl_weight(int64_t step) const override { return o_.beta.at(step); }

  Terms loss(const Step& step) override {
    const auto bound = bound_of(step);
    codes_of(bound.inference.trace, kMsSsimWhere);
    auto shown = bound.inference.x->mean(), x = step.batch.x;
    check(shown.requires_grad() || !torch::GradMode::is_enabled(), "[", kMsSsimWhere,
          "] the likelihood's mean has no gradient; use bernoulli, continuous_bernoulli or normal");
    if (step.batch.mask.defined()) {
      const auto hidden = step.batch.mask == 0;
      shown = shown.masked_fill(hidden, 0);
      x = x.masked_fill(hidden, 0);
    }
    const auto distance = (1 - ms_ssim(shown, x)).mean();
    const auto loss = o_.weight.at(step.number) * pixels_ * distance +
                      o_.beta.at(step.number) * bound.divergence +
                      o_.likelihood_weight.at(step.number) * bound.reconstruction;
    return terms_of(bound, loss, {{"ms_ssim", 1 - distance}});
  }

 private:
  const MsSsimOptions o_;
  double pixels_;
};

const bool ms_ssim_added = objectives().add<MsSsimOptions>(
    "ms_ssim", "Images reconstructed by multi-scale structural similarity",
    [](const ObjectivePlan& plan, MsSsimOptions options) {
      return std::make_shared<MsSsim>(plan, std::move(options));
    });

}  // namespace
}  // namespace elbo
