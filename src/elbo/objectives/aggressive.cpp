#include "elbo/group/group.h"
#include "elbo/objectives/correlation.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

constexpr const char* kAggressiveWhere = "objective aggressive";

struct AggressiveOptions {
  int64_t inner = 10, window = 0;
  double beta = 1;
  template <class F>
  void fields(F&& f) {
    f("inner", inner, "steps of the encoder for each step of the decoder", between(1, 1000));
    f("window", window, "steps between two checks of the mutual information (0 = one epoch)",
      at_least(0));
    f("beta", beta, "weight of the KL term", at_least(0));
  }
};

/// The ELBO, with more steps for the encoder than for the decoder until the mutual information
/// between x and z stops rising (lagging inference networks).
class Aggressive : public Objective {
 public:
  Aggressive(const ObjectivePlan& plan, AggressiveOptions options)
      : rows_(plan.rows), o_(std::move(options)) {
    state_ = register_buffer("state", torch::tensor({1.0F, 0.0F, 0.0F, 0.0F}));
  }

  double kl_weight(int64_t) const override { return o_.beta; }

  std::vector<Player> players(Model& model) override {
    const auto generative = generative_parameters(model);
    Player inference{"inference", other_parameters(model, generative),
                     [this](const Step& step) { return loss(step); }};
    inference.times = o_.inner;
    return {inference, {"generative", generative, [this](const Step& step) {
                          return generative_terms(step);
                        }}};
  }

  Terms loss(const Step& step) override {
    if (step.turn > 0 && !active()) return {};
    return terms(bound_of(step));
  }

 private:
  enum State { kActive, kSum, kCount, kBefore };

  bool active() const { return state_[kActive].item<float>() != 0; }

  Terms terms(const Bound& bound) const {
    return terms_of(bound, bound.reconstruction + o_.beta * bound.divergence,
                    {{"aggressive", state_[kActive].clone()}});
  }

  Terms generative_terms(const Step& step) {
    const auto bound = bound_of(step);
    watch(bound.inference.trace, step.batch.size());
    return terms(bound);
  }

  /// Ends the phase once a window's mean information is below the one before it.
  void watch(const Trace& trace, int64_t batch) {
    if (!is_training() || !active()) return;
    torch::NoGradGuard no_gradient;
    const auto& site = only_site(trace, kAggressiveWhere);
    const auto parts =
        split_kl(pairwise_log_prob(site, kAggressiveWhere), site.log_prior(), batch, "mss");
    // Every process must come to the same end.
    state_[kSum] += sum_over_group(parts.information.detach()) / group_size();
    state_[kCount] += 1;
    const int64_t window =
        o_.window > 0 ? o_.window : std::max<int64_t>(rows_ / (batch * group_size()), 1);
    if (state_[kCount].item<float>() < static_cast<float>(window)) return;
    const auto mean = state_[kSum] / state_[kCount];
    if (mean.item<float>() <= state_[kBefore].item<float>()) state_[kActive] = 0;
    state_[kBefore] = mean;
    state_[kSum] = 0;
    state_[kCount] = 0;
  }

  const int64_t rows_;
  const AggressiveOptions o_;
  Tensor state_;
};

const bool aggressive_added = objectives().add<AggressiveOptions>(
    "aggressive", "The ELBO with extra encoder steps while the mutual information rises",
    [](const ObjectivePlan& plan, AggressiveOptions options) {
      return std::make_shared<Aggressive>(plan, std::move(options));
    });

}  // namespace
}  // namespace elbo
