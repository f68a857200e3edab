#include <cmath>

#include "elbo/core/schedule.h"
#include "elbo/group/group.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

struct KlTargetOptions {
  Schedule target = 10;
  double proportional = 0.01, integral = 0.001, lowest = 0, highest = 100;
  template <class F>
  void fields(F&& f) {
    f("target", target, "target of the KL, in nats", at_least(0));
    f("proportional", proportional, "gain of the controller's answer to the present error",
      at_least(0));
    f("integral", integral, "gain of the controller's answer to the summed error", at_least(0));
    f("lowest", lowest, "lower bound of the weight of the KL", at_least(0));
    f("highest", highest, "upper bound of the weight of the KL", at_least(0));
  }
};

/// The weight of the KL is set by a controller that holds the KL at a target (ControlVAE).
class KlTarget : public Objective {
 public:
  explicit KlTarget(KlTargetOptions options) : o_(std::move(options)) {
    check(o_.highest >= o_.lowest, "[objective kl_target] highest: found ", o_.highest,
          ", below lowest, which is ", o_.lowest);
    summed_ = register_buffer("summed", torch::zeros({1}));
  }

  Terms loss(const Step& step) override {
    const auto bound = bound_of(step);
    const double kl = sum_over_group(bound.divergence.item<double>()) / group_size();
    const double error = o_.target.at(step.number) - kl;
    const double beta = weight(error);
    return terms_of(bound, bound.reconstruction + beta * bound.divergence,
                    {{"beta", torch::full({}, beta)}});
  }

  /// A weight that changes compares no epochs: here a nat off the target costs a nat.
  Terms validate(Model& model, const Batch& batch) override {
    const auto bound = bound_of(model, batch);
    const auto off = (bound.divergence - o_.target.at(kEndOfTraining)).abs();
    return terms_of(bound, bound.reconstruction + off,
                    {{"beta", torch::full({}, o_.lowest + summed_.item<double>())}});
  }

 private:
  /// The sum stays within what the weight may be, so that it turns at once when the error does.
  double weight(double error) {
    if (is_training() && std::isfinite(error)) {
      summed_.sub_(o_.integral * error).clamp_(0, o_.highest - o_.lowest);
    }
    const double p = o_.proportional / (1 + std::exp(error));
    return std::min(o_.lowest + p + summed_.item<double>(), o_.highest);
  }

  const KlTargetOptions o_;
  Tensor summed_;
};

const bool kl_target_added = objectives().add<KlTargetOptions>(
    "kl_target", "The ELBO with a KL weight set by a controller to hold the KL at a target",
    [](const ObjectivePlan&, KlTargetOptions options) {
      return std::make_shared<KlTarget>(std::move(options));
    });

}  // namespace
}  // namespace elbo
