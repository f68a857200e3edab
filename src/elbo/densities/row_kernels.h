#pragma once

#include <functional>
#include <string>
#include <vector>

#include "elbo/densities/columns.h"
#include "elbo/model/keeps_rows.h"

namespace elbo {

struct KernelOptions {
  int64_t rows = 4096;
  std::string scale = "ranks";
  template <class F>
  void fields(F&& f) {
    f("rows", rows, "number of training rows kept in the run", between(2, 1000000));
    scale_field(f, scale);
  }
};

/// Kernels around kept training rows: Laplace kernels of numbers; a class stays or becomes any
/// other alike. The widths are those of the highest leave-one-out likelihood, found by EM.
class RowKernels : public torch::nn::Module, public KeepsRows {
 public:
  RowKernels(const Schema& x, const KernelOptions& options);
  /// Keeps rows and learns widths. Returns rows as columns [n, D], the first count() of which are
  /// the kept ones in their order.
  Tensor fit(const Dataset& training);

  /// One cell's kernel: nats at no distance, and by how much they grow with it.
  struct Cell {
    float base = 0, slope = 1;
  };
  std::vector<Cell> cells() const;
  int64_t count() const { return count_.item<int64_t>(); }
  int64_t rows_kept() const override { return count(); }
  size_t columns() const { return classes_.size(); }
  Tensor scaled(const Tensor& columns) const { return scale_->forward(columns).contiguous(); }

  /// Adds how many nats a cell of column j is from that of each kept row to out [count()].
  void add_cell(size_t j, float cell, const Cell& kernel, float* out) const;
  /// f(row, its cells, zeroed room for `places` numbers per kept row), on all threads.
  using EachRow = std::function<void(int64_t row, const float* cells, float* room)>;
  void over_rows(const Tensor& x, size_t places, const EachRow& f) const;

 private:
  void add_distances(size_t j, float cell, float slope, float unknown, float* out) const;
  void improve_widths(const Tensor& x);

  const std::vector<int64_t> classes_;
  std::shared_ptr<ColumnScale> scale_;
  Tensor kept_, count_, width_;  // [D, rows]; []; [D]: of a class the probability of another one
};

/// Of n kept rows leaves out one that is the same as the judged one; whether there is one.
bool leave_out_same(float* distance, int64_t n);
/// log of the sum of exp(-distance) over n numbers.
double log_sum(const float* distance, int64_t n);

}  // namespace elbo
