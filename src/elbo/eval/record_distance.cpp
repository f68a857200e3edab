#include "elbo/eval/record_distance.h"

#include <cmath>

namespace elbo {
namespace {

/// What one column adds to the distance of records.
struct CellGap {
  Tensor values, seen;  // [m]; NaN of a number and -1 of a class where missing; 1 where known
  bool number, holes;
  double per_unit = 1;

  CellGap(const Tensor& known, const Tensor& training, const Column& column)
      : number(column.numeric()) {
    seen = known.isnan().logical_not().to(torch::kFloat32);
    holes = seen.sum().item<double>() < static_cast<double>(seen.numel());
    values = (number ? known : known.nan_to_num(-1)).to(torch::kFloat64).contiguous();
    const auto found = training.masked_select(training.isnan().logical_not());
    if (!number || found.numel() == 0) return;
    const double range = (found.max() - found.min()).item<double>();
    if (range > 0) per_unit = 1 / range;
  }
  void add_to(const Tensor& total, double value) const {
    if (!number) {
      total.add_(values != (std::isnan(value) ? -1 : value), 2);
    } else if (std::isnan(value)) {
      total.add_(seen);
    } else {
      const auto gap = (values - value).abs_().mul_(per_unit);
      total.add_(holes ? gap.nan_to_num_(1) : gap);
    }
  }
};

}  // namespace

Tensor record_distances(const Tensor& rows, const Tensor& known, const Tensor& training,
                        const std::vector<Column>& columns) {
  std::vector<CellGap> gaps;
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    gaps.emplace_back(known.select(1, at), training.select(1, at), columns[i]);
  }
  const auto plain = rows.to(torch::kFloat64).contiguous();
  const auto* cell = plain.data_ptr<double>();
  const auto closest = torch::empty({plain.size(0)}, torch::kFloat64);
  const auto total = torch::empty({known.size(0)}, torch::kFloat64);
  for (int64_t r = 0; r < plain.size(0); ++r) {
    total.zero_();
    for (const auto& gap : gaps) gap.add_to(total, *cell++);
    closest[r] = total.min();
  }
  return closest;
}

double share_nearer(const Tensor& to_first, const Tensor& to_second) {
  return ((to_first < to_second).to(torch::kFloat64) +
          0.5 * (to_first == to_second).to(torch::kFloat64))
      .mean()
      .item<double>();
}

}  // namespace elbo
