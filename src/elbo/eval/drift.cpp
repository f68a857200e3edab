#include "elbo/eval/drift.h"

#include <cmath>

#include "elbo/data/windows.h"
#include "elbo/eval/row_cells.h"

namespace elbo {
namespace {

constexpr double kTailShares[] = {0.5, 0.25, 0.1};
constexpr int64_t kTails = 3;  // of a side

/// The known numbers of a column, rising.
Tensor sorted_column(const Tensor& numbers, int64_t column) {
  const auto all = numbers.select(1, column).to(torch::kFloat64);
  return std::get<0>(all.masked_select(all.isnan().logical_not()).sort());
}

/// Share of rising numbers above or below a value.
double share_beyond(const Tensor& sorted, double at, bool above) {
  const auto value = torch::full({1}, at, torch::kFloat64);
  const auto up_to = torch::searchsorted(sorted, value, false, above).item<int64_t>();
  const auto n = sorted.size(0);
  return static_cast<double>(above ? n - up_to : up_to) / static_cast<double>(n);
}

Tensor quartiles(const Tensor& scores) {
  return scores.quantile(torch::tensor({0.25, 0.5, 0.75}, torch::kFloat64));
}

/// quantile() takes 2^24 numbers; every so many rows say the same.
Tensor bounded(const Tensor& scores) {
  constexpr int64_t kMost = int64_t{1} << 20;
  const auto flat = scores.flatten().to(torch::kFloat64);
  return flat.slice(0, 0, flat.numel(), 1 + flat.numel() / kMost);
}

}  // namespace

ColumnLevels ColumnLevels::of(const Tensor& numbers) {
  ColumnLevels found;
  const int64_t columns = numbers.size(1);
  found.at = torch::zeros({2 * kTails, columns}, torch::kFloat64);
  found.shares = torch::ones({2 * kTails, columns}, torch::kFloat64);
  found.count = torch::zeros({1, columns}, torch::kFloat64);
  for (int64_t j = 0; j < columns; ++j) {
    const auto sorted = sorted_column(numbers, j);
    const auto n = sorted.size(0);
    found.count[0][j] = n;
    for (int64_t i = 0; n > 0 && i < 2 * kTails; ++i) {
      const bool above = i < kTails;
      const double share = kTailShares[i % kTails];
      const auto place = (above ? 1 - share : share) * static_cast<double>(n - 1);
      const auto at = sorted[static_cast<int64_t>(std::lround(place))].item<double>();
      found.at[i][j] = at;
      found.shares[i][j] = share_beyond(sorted, at, above);
    }
  }
  return found;
}

ColumnLevels ColumnLevels::unpacked(const Tensor& packed, int64_t columns) {
  check(packed.dim() == 2 && packed.size(0) == 4 * kTails + 1 && packed.size(1) == columns,
        "[score] the kept levels of columns do not fit; remove kept.safetensors from the run");
  const auto all = packed.to(torch::kFloat64);
  return {all.narrow(0, 0, 2 * kTails), all.narrow(0, 2 * kTails, 2 * kTails),
          all.narrow(0, 4 * kTails, 1)};
}

bool has_levels(const Dataset& data) {
  return are_cells(data.schemas().x) && !dynamic_cast<const OrderedRows*>(&data);
}

Drift find_drift(const Tensor& numbers, const ColumnLevels& usual) {
  constexpr double kAnomalies = 0.1, kFalse = 1e-3;
  const int64_t columns = numbers.size(1);
  // So many errors lie between chance and one false finding in a thousand.
  const double errors = std::sqrt(2 * std::log(2 * kTails * static_cast<double>(columns) / kFalse));
  Drift worst;
  double most = 0;
  for (int64_t j = 0; j < columns; ++j) {
    const auto sorted = sorted_column(numbers, j);
    const auto reference = usual.count[0][j].item<double>();
    if (sorted.size(0) == 0 || reference == 0) continue;
    const double rows = 1 / static_cast<double>(sorted.size(0)) + 1 / reference;
    for (int64_t i = 0; i < 2 * kTails; ++i) {
      const bool above = i < kTails;
      const auto at = usual.at[i][j].item<double>(), share = usual.shares[i][j].item<double>();
      const double now = share_beyond(sorted, at, above);
      const double error = std::sqrt(std::max(share * (1 - share), 1 / reference) * rows);
      const double beyond = now - (share * (1 - kAnomalies) + kAnomalies) - errors * error;
      if (beyond <= most) continue;
      most = beyond;
      worst = {true, j, above, at, share, now};
    }
  }
  return worst;
}

namespace {

std::string percent(double share) {
  return std::to_string(static_cast<int>(std::lround(100 * share))) + " %";
}

}  // namespace

std::string Drift::now_text() const { return percent(now) + " of the rows"; }
std::string Drift::usual_text() const { return percent(usual); }

bool more_than_promised(int64_t alarms, int64_t rows, double promised) {
  constexpr double kKept = 1.4, kErrors = 3;
  const double most = promised * static_cast<double>(rows);
  return static_cast<double>(alarms) > kKept * most + kErrors * std::sqrt(most);
}

double adapted_level(double level, const Tensor& scores, const Tensor& reference) {
  const auto from = quartiles(bounded(reference)), to = quartiles(bounded(scores));
  const auto at = [](const Tensor& q, int64_t i) { return q[i].item<double>(); };
  const double width = at(from, 2) - at(from, 0);
  const double scale = width > 0 ? (at(to, 2) - at(to, 0)) / width : 1;
  return at(to, 1) + scale * (level - at(from, 1));
}

}  // namespace elbo
