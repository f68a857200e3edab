#include <algorithm>
#include <cmath>

#include "elbo/core/schedule.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

struct TrimmedOptions {
  Json of = "elbo";
  Schedule share = 0.1;
  template <class F>
  void fields(F&& f) {
    f("of", of, "objective of the remaining rows");
    f("share", share, "fraction of each batch to ignore: the rows with the lowest bound",
      between(0, 0.9));
  }
};

/// Another objective, on the rows of each batch that the model explains best: for data with rows
/// among them that should not be learnt (Shen & Sanghavi 2019, arXiv:1810.11874). Validation sees
/// all rows.
class Trimmed : public Objective {
 public:
  Trimmed(const ObjectivePlan& plan, const TrimmedOptions& options) : o_(options) {
    of_ = register_module("of", objectives().make(plan, o_.of));
  }

  std::vector<Player> players(Model& model) override { return of_->players(model); }

  Terms loss(const std::string& player, Model& model, const Batch& batch, int64_t step) override {
    const auto rows = batch.size();
    const auto left = rows - std::llround(o_.share.at(step) * static_cast<double>(rows));
    const auto kept = std::max<int64_t>(1, left);
    if (kept == rows) return of_->loss(player, model, batch, step);
    const auto best = std::get<1>(bounds(model, batch).topk(kept));
    return of_->loss(player, model, pick(batch, best), step);
  }

  Terms validate(Model& model, const Batch& batch) override { return of_->validate(model, batch); }

 private:
  /// [B] of one draw.
  static Tensor bounds(Model& model, const Batch& batch) {
    torch::NoGradGuard no_gradient;
    const auto inference = model.infer(batch);
    const auto& trace = inference.trace;
    const auto each = log_likelihood(inference, batch) - kl(trace, batch.size());
    return (trace.log_weight.exp() * each).sum(0);
  }

  const TrimmedOptions o_;
  std::shared_ptr<Objective> of_;
};

const bool added = objectives().add<TrimmedOptions>(
    "trimmed", "Another objective without the worst-fitting rows of each batch",
    [](const ObjectivePlan& plan, const TrimmedOptions& options) {
      return std::make_shared<Trimmed>(plan, options);
    });

}  // namespace
}  // namespace elbo
