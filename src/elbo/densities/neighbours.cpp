#include <algorithm>
#include <cmath>
#include <limits>

#include "elbo/densities/row_kernels.h"
#include "elbo/model/knows_usual.h"

namespace elbo {
namespace {

/// p(x) = 1/N sum over kept rows n of prod_j k_j(x_j | x_nj): a latent variable that is a training
/// row, summed exactly (Parzen 1962).
class Neighbours : public Density, public KnowsUsual {
 public:
  Neighbours(const Schema& x, const KernelOptions& o)
      : kernels_(register_module("kernels", std::make_shared<RowKernels>(x, o))) {
    usual_ = register_buffer("usual", torch::full({kReference}, kNothing, torch::kFloat64));
  }

  void see(const Dataset& training) override {
    torch::NoGradGuard no_gradient;
    const auto columns = kernels_->fit(training);
    const int64_t judged = std::min(kReference, kernels_->count());
    if (judged > 1) usual_.narrow(0, 0, judged).copy_(of(columns.narrow(0, 0, judged), true));
  }

  Tensor surprise(const Batch& batch, bool seen) override {
    return of(columns_of_rows(batch), seen);
  }

  Tensor usual() const override {
    const auto known = usual_.masked_select(usual_.isnan().logical_not());
    return known.numel() > 0 ? known : Tensor();
  }

 private:
  static constexpr int64_t kReference = 1024;
  static constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

  Tensor of(const Tensor& columns, bool seen) const {
    torch::NoGradGuard no_gradient;
    const auto x = kernels_->scaled(columns);
    auto out = torch::empty({x.size(0)}, torch::kFloat64);
    const auto cell = kernels_->cells();
    const int64_t n = kernels_->count();
    kernels_->over_rows(x, 1, [&](int64_t row, const float* cells, float* distance) {
      double base = std::log(static_cast<double>(n));
      for (size_t j = 0; j < cell.size(); ++j) {
        kernels_->add_cell(j, cells[j], cell[j], distance);
        if (!std::isnan(cells[j])) base += static_cast<double>(cell[j].base);
      }
      const bool own = seen && n > 1 && leave_out_same(distance, n);
      if (own) base += std::log1p(-1 / static_cast<double>(n));
      out.data_ptr<double>()[row] = base - log_sum(distance, n);
    });
    return out;
  }

  std::shared_ptr<RowKernels> kernels_;
  Tensor usual_;  // [reference] of kept rows by the others; NaN where there are fewer
};

const bool neighbours_added = densities().add<KernelOptions>(
    "neighbours", "Kernels around training rows, which the run keeps",
    [](const Schema& x, const KernelOptions& o) { return std::make_shared<Neighbours>(x, o); });

}  // namespace
}  // namespace elbo
