#include "elbo/distributions/discrete.h"
#include "elbo/model/site_values.h"
#include "elbo/objectives/drawn.h"

namespace elbo {
namespace {

constexpr const char* kDisarmWhere = "objective disarm";

/// Two particles a row that differ from one site on: there the two draws are antithetic, before it
/// they are one, after it each has its own.
class PairedSites : public SiteValues {
 public:
  explicit PairedSites(int64_t paired) : paired_(paired) {}

  Tensor inferred(const std::string& site, const Dist& q, const Dist&) override {
    const auto* bits = dynamic_cast<const Bernoulli*>(q.get());
    check(bits != nullptr, "[", kDisarmWhere, "] ", site,
          ": its posterior is not of bits; use the head bits, or the objective score_function");
    const int64_t at = seen_++;
    if (at > paired_) return q->sample();
    const auto logits = bits->logits.narrow(0, 0, bits->logits.size(0) / 2);
    if (at < paired_) return tile(Bernoulli(logits).sample(), 2);
    const auto p = logits.detach().sigmoid();
    const auto u = torch::rand_like(p);
    const auto first = (u < p).to(p.scalar_type()), second = (1 - u < p).to(p.scalar_type());
    // d ELBO / d logits for each unit that f of the first is above f of the second.
    slope_ = 0.5 * (first - second) * logits.detach().abs().sigmoid();
    logits_ = logits;
    return torch::cat({first, second});
  }

  int64_t sites() const { return seen_; }
  /// [B] whose gradient is the estimate's. f: [2, B].
  Tensor estimate(const Tensor& f) const {
    return row_sum(slope_ * logits_) * (f[0] - f[1]).detach();
  }

 private:
  const int64_t paired_;
  int64_t seen_ = 0;
  Tensor slope_, logits_;
};

/// The ELBO of codes of bits: for each site two draws, mirrored, whose difference is the gradient
/// (Dong et al. 2020, arXiv:2006.10680; Yin et al. 2020).
class Disarm : public Objective {
 public:
  explicit Disarm(NoOptions) {}

  int64_t draws() const override { return 2; }

  Terms loss(const Step& step) override {
    Tensor total, estimate;
    for (int64_t paired = 0, sites = 1; paired < sites; ++paired) {
      PairedSites pair(paired);
      const auto drawn = drawn_bound(step.infer(2), step.batch, false, kDisarmWhere);
      sites = pair.sites();
      const auto more = pair.estimate(drawn.log_w);
      estimate = estimate.defined() ? estimate + more : more;
      total = total.defined() ? torch::cat({total, drawn.log_w}) : drawn.log_w;
    }
    return estimated(total.mean(0), estimate, total);
  }
};

const bool disarm_added = objectives().add<NoOptions>(
    "disarm", "The ELBO of codes of bits, by mirrored draws",
    [](const ObjectivePlan&, NoOptions options) { return std::make_shared<Disarm>(options); });

}  // namespace
}  // namespace elbo
