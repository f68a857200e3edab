#include "elbo/core/schedule.h"
#include "elbo/kernels/arithmetic.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

struct ElboOptions {
  Schedule beta = 1;
  Schedule capacity = -1;
  double gamma = 1000;
  double free_bits = 0;
  std::string free_bits_per = "site";
  int64_t samples = 1;
  template <class F>
  void fields(F&& f) {
    f("beta", beta, "weight of the KL term: a number or a schedule", at_least(0));
    f("capacity", capacity, "target of the KL in nats; adds gamma |KL - capacity| (-1 = none)",
      at_least(-1));
    f("gamma", gamma, "weight of the distance from the capacity", at_least(0));
    f("free_bits", free_bits, "KL in nats that costs nothing", at_least(0));
    f("free_bits_per", free_bits_per, "unit that gets free_bits: each site or each dimension",
      one_of({"site", "dimension"}));
    f("samples", samples, "draws per row", between(1, 100000));
  }
};

/// The evidence lower bound: E_q[log p(x|z)] - beta KL(q(z|x) || p(z)).
/// Free bits as in Kingma et al. 2016: max(lambda, mean over the batch) per site or dimension.
class Elbo : public Objective {
 public:
  explicit Elbo(ElboOptions options) : o_(std::move(options)) {}

  double kl_weight(int64_t step) const override { return o_.beta.at(step); }
  int64_t draws() const override { return o_.samples; }

  Terms loss(const Step& step) override {
    const auto bound = bound_of(step, o_.samples);
    const auto& trace = bound.inference.trace;
    const double beta = o_.beta.at(step.number), capacity = o_.capacity.at(step.number);

    auto penalty = bound.divergence;
    if (o_.free_bits > 0) penalty = with_free_bits(trace, trace.log_weight.exp());
    if (capacity >= 0) {
      penalty = o_.gamma * (penalty - capacity).abs();
    } else if (beta != 1) {
      penalty = beta * penalty;
    }
    return terms_of(bound, kernels::plus(bound.reconstruction, penalty));
  }

 private:
  Tensor with_free_bits(const Trace& trace, const Tensor& weight) const {
    Tensor total;
    for (const auto& site : trace.sites) {
      auto per_dimension = o_.free_bits_per == "dimension" ? site.kl_per_dimension() : Tensor();
      if (!per_dimension.defined()) per_dimension = site.kl().unsqueeze(1);
      const auto mean =
          (weight.flatten().unsqueeze(1) * per_dimension).sum(0) / weight.size(1);  // [d]
      const auto kept = mean.clamp_min(o_.free_bits).sum();
      total = total.defined() ? total + kept : kept;
    }
    return total;
  }

  ElboOptions o_;
};

const bool elbo_added = objectives().add<ElboOptions>(
    "elbo", "Evidence lower bound with beta, schedules, free bits and capacity",
    [](const ObjectivePlan&, ElboOptions options) {
      return std::make_shared<Elbo>(std::move(options));
    });

}  // namespace
}  // namespace elbo
