#include "elbo/group/group.h"
#include "elbo/objectives/correlation.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

constexpr const char* kWhere = "objective aggressive";

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

  std::vector<Player> players(Model& model) override {
    const auto generative = generative_parameters(model);
    const auto inference = other_parameters(model, generative);
    std::vector<Player> list{{"inference", inference}};
    for (int64_t i = 2; i <= o_.inner; ++i) {
      list.push_back({"inference " + std::to_string(i), inference});
    }
    list.push_back({"generative", generative});
    return list;
  }

  Terms loss(const std::string& player, Model& model, const Batch& batch, int64_t) override {
    const bool extra = player.starts_with("inference ");
    if (extra && state_[kActive].item<float>() == 0) return {};  // sits out
    const auto bound = bound_of(model, batch);
    if (player == "generative") watch(bound.inference.trace, batch.size());
    return terms_of(bound, bound.reconstruction + o_.beta * bound.divergence,
                    {{"aggressive", state_[kActive].clone()}});
  }

 private:
  enum State { kActive, kSum, kCount, kBefore };

  /// Ends the phase once a window's mean information is below the one before it.
  void watch(const Trace& trace, int64_t batch) {
    if (!is_training() || state_[kActive].item<float>() == 0) return;
    torch::NoGradGuard no_gradient;
    const auto& site = only_site(trace, kWhere);
    const auto parts = split_kl(pairwise_log_prob(site, kWhere), site.log_prior(), batch, "mss");
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

const bool added = objectives().add<AggressiveOptions>(
    "aggressive", "The ELBO with extra encoder steps while the mutual information rises",
    [](const ObjectivePlan& plan, AggressiveOptions options) {
      return std::make_shared<Aggressive>(plan, std::move(options));
    });

}  // namespace
}  // namespace elbo
