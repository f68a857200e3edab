#include "elbo/eval/interval_levels.h"

#include <algorithm>
#include <cmath>

namespace elbo {
namespace {

constexpr double kHidden = 0.25;     // as tables hide of their cells in training
constexpr int64_t kMostCells = 600;  // the share of these within 90 % is known to 1.2 points
constexpr double kWidest = 0.999;    // of draws there are a few hundred

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

}  // namespace

Tensor interval_levels(Model& model, const Data& held_out, const std::vector<Column>& columns) {
  std::vector<uint8_t> is_number;
  for (const auto& column : columns) is_number.push_back(column.numeric());
  const auto numeric = torch::tensor(is_number).to(torch::kBool);
  const auto each = kHidden * numeric.sum().item<double>();  // hidden numbers of a row
  if (!held_out || each == 0) return {};
  const auto most = static_cast<int64_t>(std::ceil(kMostCells / each));
  const auto rows = some_rows(held_out, most, Draw{}.key("intervals"));
  const RandomScope scope(0);
  const CompletionPlan plan;
  std::vector<Tensor> levels;
  for_each_batch(*rows, rows_in_block(plan), {}, [&](const Batch& batch, int64_t) {
    const auto [shown, hidden] = with_hidden(batch, numeric);
    if (!hidden.any().item<bool>()) return;
    levels.push_back(complete(model, shown, columns, plan, batch.x).level.masked_select(hidden));
  });
  return levels.empty() ? Tensor() : std::get<0>(torch::cat(levels).sort());
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

}  // namespace elbo
