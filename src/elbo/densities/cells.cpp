#include <algorithm>
#include <cmath>
#include <limits>

#include "elbo/densities/row_kernels.h"

namespace elbo {
namespace {

/// The most surprising cell given the others: -log p(x_j | x without j) under kernels around kept
/// rows, beside what is usual in column j. What a single broken dependence adds to the density of a
/// whole row is lost among the nats of its other cells.
class SingleCells : public Density {
 public:
  SingleCells(const Schema& x, const KernelOptions& o)
      : kernels_(register_module("kernels", std::make_shared<RowKernels>(x, o))) {
    const auto columns = static_cast<int64_t>(kernels_->columns());
    usual_ = register_buffer("usual", torch::zeros({columns, kReference}));
    known_ = register_buffer("known", torch::zeros({columns}, torch::kInt64));
  }

  void see(const Dataset& training) override {
    torch::NoGradGuard no_gradient;
    const auto columns = kernels_->fit(training);
    // Rows that are kept are judged by the others.
    const int64_t n = std::min(kReference, kernels_->count());
    const auto each = conditionals(columns.narrow(0, 0, n), true);
    for (int64_t j = 0; j < each.size(1); ++j) {
      const auto column = each.select(1, j);
      const auto found = std::get<0>(column.masked_select(column.isnan().logical_not()).sort());
      known_[j] = found.size(0);
      usual_[j].narrow(0, 0, found.size(0)).copy_(found);
    }
  }

  Tensor surprise(const Batch& batch, bool seen) override {
    torch::NoGradGuard no_gradient;
    const auto each = conditionals(columns_of_rows(batch), seen);
    auto out = torch::zeros({each.size(0)}, torch::kFloat64);
    for (int64_t row = 0; row < each.size(0); ++row) {
      double most = 0;
      for (int64_t j = 0; j < each.size(1); ++j) {
        const double cell = each.data_ptr<double>()[row * each.size(1) + j];
        if (!std::isnan(cell)) most = std::max(most, beside_usual(j, cell));
      }
      out.data_ptr<double>()[row] = most;
    }
    return out;
  }

 private:
  static constexpr int64_t kReference = 1024;

  /// [B, D] float64 -log p(x_j | others), NaN where the cell is missing.
  Tensor conditionals(const Tensor& columns, bool seen) const {
    const auto x = kernels_->scaled(columns);
    auto out = torch::full({x.size(0), x.size(1)}, std::numeric_limits<double>::quiet_NaN(),
                           torch::kFloat64);
    const auto cell = kernels_->cells();
    const int64_t n = kernels_->count();
    const size_t d = cell.size();
    kernels_->over_rows(x, d + 1, [&](int64_t row, const float* cells, float* room) {
      float* all = room + static_cast<int64_t>(d) * n;
      const auto of = [&](size_t j) { return room + static_cast<int64_t>(j) * n; };
      for (size_t j = 0; j < d; ++j) {
        kernels_->add_cell(j, cells[j], cell[j], of(j));
        for (int64_t i = 0; i < n; ++i) all[i] += of(j)[i];
      }
      if (seen) leave_out_same(all, n);
      const double joint = log_sum(all, n);
      for (size_t j = 0; j < d; ++j) {
        if (std::isnan(cells[j])) continue;
        float* others = of(j);
        for (int64_t i = 0; i < n; ++i) others[i] = all[i] - others[i];
        out.data_ptr<double>()[row * static_cast<int64_t>(d) + static_cast<int64_t>(j)] =
            static_cast<double>(cell[j].base) + log_sum(others, n) - joint;
      }
    });
    return out;
  }

  /// -log of the share of kept rows whose cell of this column is as surprising, with an exponential
  /// tail over the highest hundredth.
  double beside_usual(int64_t column, double cell) const {
    constexpr double kTail = 0.01;
    const auto n = known_.data_ptr<int64_t>()[column];
    if (n == 0) return 0;
    const float* from = usual_.data_ptr<float>() + column * kReference;
    const auto value = static_cast<float>(cell);
    const auto above = static_cast<double>(from + n - std::lower_bound(from, from + n, value));
    const auto count = static_cast<double>(n);
    const auto level = from[std::min(n - 1, static_cast<int64_t>((1 - kTail) * count))];
    const double share = (1 + above) / (1 + count);
    // Beyond the tail a nat of the cell is a nat: its own density goes on.
    return value > level ? -std::log(kTail) + static_cast<double>(value - level)
                         : -std::log(std::max(share, kTail));
  }

  std::shared_ptr<RowKernels> kernels_;
  Tensor usual_, known_;  // [D, reference] sorted; [D] how many
};

const bool cells_added = densities().add<KernelOptions>(
    "cells", "The most surprising cell of a row given its others, by kernels around training rows",
    [](const Schema& x, const KernelOptions& o) { return std::make_shared<SingleCells>(x, o); });

}  // namespace
}  // namespace elbo
