#include <cmath>

#include "elbo/objectives/drawn.h"

namespace elbo {
namespace {

constexpr const char* kScoreWhere = "objective score_function";

struct ScoreFunctionOptions {
  int64_t samples = 10;
  std::string estimator = "vimco";
  template <class F>
  void fields(F&& f) {
    f("samples", samples, "draws per row, each of which is the others' control variate",
      between(2, 100000));
    f("estimator", estimator,
      "what is maximised, and how: the importance-weighted bound (vimco), or the ELBO "
      "(leave_one_out)",
      one_of({"vimco", "leave_one_out"}));
  }
};

/// [S, B] the bound without draw i, whose weight is the others' geometric mean.
Tensor bound_without(const Tensor& log_w) {
  const auto s = log_w.size(0);
  const auto others = (log_w.sum(0, true) - log_w) / static_cast<double>(s - 1);
  const auto [highest, place] = log_w.max(0, true);
  // The sum without a weight, by subtraction where a larger one stays, else by a sum of its own.
  const auto weight = (log_w - highest).exp();
  const auto is_highest = torch::zeros_like(log_w, torch::kBool).scatter_(0, place, true);
  const auto rest = log_w.masked_fill(is_highest, -INFINITY).logsumexp(0, true);
  const auto left = (weight.sum(0, true) - weight).clamp_min(1e-30).log() + highest;
  return torch::logaddexp(torch::where(is_highest, rest, left), others) -
         std::log(static_cast<double>(s));
}

/// Gradients of draws that carry none, by the score of q: each draw's is weighed by what it adds to
/// the others. VIMCO: Mnih & Rezende 2016, arXiv:1602.06725; leave-one-out: Kool et al. 2019.
class ScoreFunction : public Objective {
 public:
  explicit ScoreFunction(ScoreFunctionOptions options) : o_(std::move(options)) {}

  int64_t draws() const override { return o_.samples; }

  Terms loss(const Step& step) override {
    const bool vimco = o_.estimator == "vimco";
    const auto drawn = drawn_bound(step.infer(o_.samples), step.batch, vimco, kScoreWhere);
    return vimco ? many(drawn) : one(drawn);
  }

 private:
  static Terms many(const DrawnBound& drawn) {
    const double log_s = std::log(static_cast<double>(drawn.log_w.size(0)));
    const auto bound = drawn.log_w.logsumexp(0) - log_s;
    const auto signal = bound.detach() - bound_without(drawn.log_w.detach());
    return estimated(bound, (signal * drawn.score).sum(0), drawn.log_w);
  }

  static Terms one(const DrawnBound& drawn) {
    const auto s = static_cast<double>(drawn.log_w.size(0));
    const auto f = drawn.log_w.detach();
    const auto signal = (f - f.mean(0, true)) * (s / (s - 1));
    return estimated(drawn.log_w.mean(0), (signal * drawn.score).mean(0), drawn.log_w);
  }

  const ScoreFunctionOptions o_;
};

const bool score_function_added = objectives().add<ScoreFunctionOptions>(
    "score_function", "Bounds for codes of bits or classes, by the score: VIMCO, leave-one-out",
    [](const ObjectivePlan&, ScoreFunctionOptions options) {
      return std::make_shared<ScoreFunction>(std::move(options));
    });

}  // namespace
}  // namespace elbo
