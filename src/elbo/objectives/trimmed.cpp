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

  std::vector<Player> players(Model& model) override {
    auto list = of_->players(model);
    for (auto& player : list) {
      player.loss = [this, whole = std::move(player.loss)](const Step& step) {
        return without_worst(step, whole);
      };
    }
    return list;
  }

  Terms loss(const Step& step) override {
    return without_worst(step, [this](const Step& kept) { return of_->loss(kept); });
  }

  Terms validate(Model& model, const Batch& batch) override { return of_->validate(model, batch); }

 private:
  using Loss = std::function<Terms(const Step&)>;

  Terms without_worst(const Step& step, const Loss& loss) const {
    const auto rows = step.batch.size();
    const auto left = rows - std::llround(o_.share.at(step.number) * static_cast<double>(rows));
    const auto kept = std::max<int64_t>(1, left);
    if (kept == rows) return loss(step);
    const auto best = std::get<1>(bounds(step.model, step.batch).topk(kept));
    const auto batch = pick(step.batch, best);
    return loss({step.model, batch, step.number, step.turn});
  }

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

const bool trimmed_added = objectives().add<TrimmedOptions>(
    "trimmed", "Another objective without the worst-fitting rows of each batch",
    [](const ObjectivePlan& plan, const TrimmedOptions& options) {
      return std::make_shared<Trimmed>(plan, options);
    });

}  // namespace
}  // namespace elbo
