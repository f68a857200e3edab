#include "elbo/eval/completion_check.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace elbo {
namespace {

constexpr double kHidden = 0.25;      // as tables hide of their cells in training
constexpr int64_t kJudgedRows = 800;  // 200 hidden cells of each column
constexpr double kWidest = 0.999;     // of draws there are a few hundred

/// The rows with a quarter of their known cells hidden, and which of the numbers these are.
std::pair<Batch, Tensor> with_hidden(const Batch& batch, const Tensor& numeric) {
  const auto known =
      batch.mask.defined() ? batch.mask > 0 : torch::ones_like(batch.x, torch::kBool);
  const auto hidden = known & (torch::rand_like(batch.x) < kHidden);
  Batch shown = batch;
  shown.mask = (known & ~hidden).to(torch::kFloat32);
  shown.x = batch.x.masked_fill(shown.mask == 0, 0);
  return {shown, hidden & numeric};
}

/// What the hidden numbers of each column are missed by, squared and summed, for the ways to fill.
class FillErrors {
 public:
  /// `constants` [C, D].
  explicit FillErrors(const Tensor& constants)
      : constants_(constants.to(torch::kFloat64)),
        sums_(torch::zeros({2 + constants.size(0), constants.size(1)}, torch::kFloat64)),
        cells_(torch::zeros({constants.size(1)}, torch::kFloat64)) {}

  void add(const Completion& found, const Tensor& truth, const Tensor& hidden) {
    const auto x = truth.to(torch::kFloat64);
    const auto missed = [&](const Tensor& fill) {
      return ((fill.to(torch::kFloat64) - x).square() * hidden).sum(0);
    };
    sums_[0] += missed(found.value);
    sums_[1] += missed(found.median);
    for (int64_t k = 0; k < constants_.size(0); ++k) sums_[2 + k] += missed(constants_[k]);
    cells_ += hidden.sum(0);
  }

  /// [2, D] as CompletionPlan has them.
  Tensor best() const {
    constexpr double kBetter = 0.9;  // than the model's mean, else chance decides
    constexpr double kFewest = 20;   // cells
    auto fills = torch::zeros({2, cells_.size(0)}, torch::kFloat64);
    for (int64_t i = 0; i < cells_.size(0); ++i) {
      const auto errors = sums_.select(1, i);
      const auto at = errors.argmin().item<int64_t>();
      const bool better = errors[at].item<double>() < kBetter * errors[0].item<double>();
      if (!better || cells_[i].item<double>() < kFewest) continue;
      fills[0][i] = static_cast<double>(at == 1 ? Fill::kMedian : Fill::kConstant);
      if (at > 1) fills[1][i] = constants_[at - 2][i];
    }
    return fills;
  }

 private:
  Tensor constants_, sums_, cells_;
};

/// Mean and median of the known cells of each column, [2, D].
Tensor constants_of(const Data& training) {
  constexpr int64_t kRows = 2000;
  const auto rows = some_rows(training, kRows, Draw{}.key("constants"));
  std::vector<Tensor> all;
  for_each_batch(*rows, kRows, {}, [&](const Batch& batch, int64_t) {
    all.push_back(
        batch.mask.defined()
            ? batch.x.masked_fill(batch.mask == 0, std::numeric_limits<float>::quiet_NaN())
            : batch.x);
  });
  const auto x = torch::cat(all).to(torch::kFloat64);
  return torch::stack({x.nanmean(0), std::get<0>(x.nanmedian(0))}).nan_to_num(0);
}

}  // namespace

CompletionCheck check_completion(Model& model, const Data& training, const Data& held_out,
                                 const std::vector<Column>& columns) {
  std::vector<uint8_t> is_number;
  for (const auto& column : columns) is_number.push_back(column.numeric());
  const auto numeric = torch::tensor(is_number).to(torch::kBool);
  if (!held_out || !numeric.any().item<bool>()) return {};
  const auto rows = some_rows(held_out, kJudgedRows, Draw{}.key("intervals"));
  const RandomScope scope(0);
  const CompletionPlan plan;
  FillErrors errors(constants_of(training));
  std::vector<Tensor> levels;
  for_each_batch(*rows, rows_in_block(plan), {}, [&](const Batch& batch, int64_t) {
    const auto [shown, hidden] = with_hidden(batch, numeric);
    if (!hidden.any().item<bool>()) return;
    const auto found = complete(model, shown, columns, plan, batch.x);
    levels.push_back(found.level.masked_select(hidden));
    errors.add(found, batch.x, hidden);
  });
  if (levels.empty()) return {};
  return {std::get<0>(torch::cat(levels).sort()), errors.best()};
}

double honest_mass(const Kept* kept, double mass) {
  if (!kept || !kept->interval_levels.defined() || mass <= 0) return mass;
  const auto& levels = kept->interval_levels;
  const auto n = static_cast<double>(levels.size(0));
  const double rank = std::ceil((n + 1) * mass);
  if (rank > n) return std::max(mass, kWidest);
  const auto at = levels[static_cast<int64_t>(rank) - 1].item<double>();
  return std::clamp(at, mass, std::max(mass, kWidest));
}

CompletionPlan completion_plan(const Kept* kept, int64_t draws, int64_t m, double interval) {
  return {draws, m > 1 ? m : 0, honest_mass(kept, interval), kept ? kept->fills : Tensor()};
}

}  // namespace elbo
