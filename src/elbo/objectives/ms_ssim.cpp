#include "elbo/core/schedule.h"
#include "elbo/objectives/similarity.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

constexpr const char* kWhere = "objective ms_ssim";

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
    check(x.shape.size() == 3 && is_bounded(x.kind), "[", kWhere, "] ", x.kind, " data of shape ",
          to_string(x.shape), ": needs images of kind binary, byte or unit");
    pixels_ = static_cast<double>(numel(x.shape));
  }

  Terms loss(const std::string&, Model& model, const Batch& batch, int64_t step) override {
    const auto bound = bound_of(model, batch);
    codes_of(bound.inference.trace, kWhere);
    auto shown = bound.inference.x->mean(), x = batch.x;
    check(shown.requires_grad() || !torch::GradMode::is_enabled(), "[", kWhere,
          "] the likelihood's mean has no gradient; use bernoulli, continuous_bernoulli or normal");
    if (batch.mask.defined()) {
      const auto hidden = batch.mask == 0;
      shown = shown.masked_fill(hidden, 0);
      x = x.masked_fill(hidden, 0);
    }
    const auto distance = (1 - ms_ssim(shown, x)).mean();
    const auto loss = o_.weight.at(step) * pixels_ * distance +
                      o_.beta.at(step) * bound.divergence +
                      o_.likelihood_weight.at(step) * bound.reconstruction;
    return terms_of(bound, loss, {{"ms_ssim", 1 - distance}});
  }

 private:
  const MsSsimOptions o_;
  double pixels_;
};

const bool added = objectives().add<MsSsimOptions>(
    "ms_ssim", "Images reconstructed by multi-scale structural similarity",
    [](const ObjectivePlan& plan, MsSsimOptions options) {
      return std::make_shared<MsSsim>(plan, std::move(options));
    });

}  // namespace
}  // namespace elbo
