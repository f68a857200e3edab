#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "elbo/densities/columns.h"

namespace elbo {
namespace {

struct NeighboursOptions {
  int64_t rows = 4096;
  std::string scale = "ranks";
  template <class F>
  void fields(F&& f) {
    f("rows", rows, "number of training rows kept in the run", between(2, 1000000));
    f("scale", scale,
      "scale of the numbers: ranks (normal quantiles of their ranks) or standard (mean 0, "
      "deviation 1)",
      one_of({"ranks", "standard"}));
  }
};

/// One cell's part of a kernel: nats at no distance, and by how much they grow with it.
struct CellKernel {
  float base = 0, slope = 1;
};

/// p(x) = 1/N sum over kept rows n of prod_j k_j(x_j | x_nj): a latent variable that is a training
/// row, summed exactly. Laplace kernels of numbers; a class stays or becomes any other alike. The
/// widths are those of the highest leave-one-out likelihood, found by EM.
class Neighbours : public Density {
 public:
  Neighbours(const Schema& x, const NeighboursOptions& o)
      : classes_(classes_of_columns(x)),
        scale_(register_module("scale", make_column_scale(o.scale, classes_))) {
    const auto columns = static_cast<int64_t>(classes_.size());
    kept_ = register_buffer("kept", torch::zeros({columns, o.rows}));
    count_ = register_buffer("count", torch::zeros({}, torch::kInt64));
    width_ = register_buffer("width", torch::ones({columns}, torch::kFloat64));
  }

  void see(const Dataset& training) override {
    torch::NoGradGuard no_gradient;
    constexpr int64_t kForScale = 65536;
    const auto columns = drawn_columns(training, std::max(kForScale, kept_.size(1)));
    scale_->fit(columns);
    const int64_t n = std::min(columns.size(0), kept_.size(1));
    const auto rows = scale_->forward(columns.narrow(0, 0, n));
    kept_.narrow(1, 0, n).copy_(rows.t());
    count_.fill_(n);
    fit_widths(rows);
  }

  Tensor surprise(const Batch& batch, bool seen) override {
    torch::NoGradGuard no_gradient;
    const auto x = scale_->forward(columns_of_rows(batch)).contiguous();
    auto out = torch::empty({x.size(0)}, torch::kFloat64);
    const auto kernels = cell_kernels();
    over_rows(x, [&](int64_t row, const float* cells, float* distance) {
      add_distances(cells, kernels, distance);
      const int64_t own = seen ? identical(distance) : -1;
      out.data_ptr<double>()[row] = base(cells, kernels) - log_mean(distance, own);
    });
    return out;
  }

 private:
  using Kernels = std::vector<CellKernel>;
  int64_t count() const { return count_.item<int64_t>(); }

  Kernels cell_kernels() const {
    Kernels kernels(classes_.size());
    for (size_t j = 0; j < kernels.size(); ++j) {
      const double width = width_.data_ptr<double>()[j];
      if (classes_[j] == 0) {
        kernels[j] = {static_cast<float>(std::log(2 * width)), static_cast<float>(1 / width)};
        continue;
      }
      // width: the probability that a class becomes another one.
      const auto others = static_cast<double>(std::max<int64_t>(1, classes_[j] - 1));
      kernels[j].base = static_cast<float>(-std::log1p(-width));
      kernels[j].slope =
          static_cast<float>(std::max(0.0, std::log((1 - width) * others / width)));
    }
    return kernels;
  }

  /// f(row, its cells, zeroed room for a number per kept row), on all threads.
  template <class F>
  void over_rows(const Tensor& x, F f) const {
    const auto columns = static_cast<int64_t>(classes_.size());
    at::parallel_for(0, x.size(0), 8, [&](int64_t from, int64_t to) {
      std::vector<float> distance(static_cast<size_t>(count()));
      for (int64_t row = from; row < to; ++row) {
        std::fill(distance.begin(), distance.end(), 0.0F);
        f(row, x.data_ptr<float>() + row * columns, distance.data());
      }
    });
  }

  /// How far a cell is from that of each kept row; `unknown` where a kept one is missing.
  void add_cell(size_t j, float cell, float slope, float unknown, float* out) const {
    const float* kept = kept_.data_ptr<float>() + static_cast<int64_t>(j) * kept_.size(1);
    const int64_t n = count();
    if (classes_[j] > 0) {
      for (int64_t i = 0; i < n; ++i) {
        const float other = kept[i] == cell ? 0.0F : slope;
        out[i] += kept[i] == kept[i] ? other : unknown;
      }
      return;
    }
    for (int64_t i = 0; i < n; ++i) {
      const float apart = std::fabs(kept[i] - cell) * slope;
      out[i] += apart == apart ? apart : unknown;
    }
  }
  void add_distances(const float* cells, const Kernels& kernels, float* distance) const {
    for (size_t j = 0; j < kernels.size(); ++j) {
      if (std::isnan(cells[j])) continue;
      // Of a kept cell that is missing nothing is known: a width away, or half of the classes.
      const float unknown = classes_[j] > 0 ? kernels[j].slope / 2 : 1;
      add_cell(j, cells[j], kernels[j].slope, unknown, distance);
    }
  }
  static double base(const float* cells, const Kernels& kernels) {
    double sum = 0;
    for (size_t j = 0; j < kernels.size(); ++j) {
      if (!std::isnan(cells[j])) sum += static_cast<double>(kernels[j].base);
    }
    return sum;
  }
  /// A kept row that is the same; -1 = none.
  int64_t identical(const float* distance) const {
    const float* end = distance + count();
    const float* at = std::find(distance, end, 0.0F);
    return at == end ? -1 : at - distance;
  }
  /// log of the mean of exp(-distance) over the kept rows but one.
  double log_mean(float* distance, int64_t without) const {
    constexpr float kNothing = 30;  // e^-30 of the largest term
    const int64_t n = count();
    if (without >= 0) distance[without] = std::numeric_limits<float>::infinity();
    const float least = *std::min_element(distance, distance + n);
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      const float more = distance[i] - least;
      if (more < kNothing) sum += static_cast<double>(std::exp(-more));
    }
    const auto terms = static_cast<double>(std::max<int64_t>(1, n - (without >= 0 ? 1 : 0)));
    return std::log(sum / terms) - static_cast<double>(least);
  }

  /// EM: which rows explain each one, then how far its cells are from theirs.
  void fit_widths(const Tensor& rows) {
    constexpr int64_t kRounds = 12, kMostJudged = 1024, kLeastJudged = 64;
    constexpr double kStart = 0.5, kStartClass = 0.1, kWork = 3e8;
    const int64_t n = count(), columns = kept_.size(0);
    for (int64_t j = 0; j < columns; ++j) {
      width_[j] = classes_[static_cast<size_t>(j)] > 0 ? kStartClass : kStart;
    }
    if (n < 2) return;
    const auto affordable =
        static_cast<int64_t>(kWork / static_cast<double>(n * std::max<int64_t>(1, columns)));
    const int64_t judged = std::min(n, std::clamp(affordable, kLeastJudged, kMostJudged));
    const auto x = rows.narrow(0, 0, judged).contiguous();
    for (int64_t round = 0; round < kRounds; ++round) improve_widths(x);
  }
  void improve_widths(const Tensor& x) {
    constexpr double kLeast = 0.01, kMostMoved = 0.9;
    const auto columns = static_cast<int64_t>(classes_.size());
    const auto kernels = cell_kernels();
    auto moved = torch::full({x.size(0), columns}, std::numeric_limits<double>::quiet_NaN(),
                             torch::kFloat64);
    over_rows(x, [&](int64_t row, const float* cells, float* distance) {
      add_distances(cells, kernels, distance);
      distance[row] = std::numeric_limits<float>::infinity();  // the first kept rows are judged
      const int64_t n = count();
      const float least = *std::min_element(distance, distance + n);
      double sum = 0;
      for (int64_t i = 0; i < n; ++i) {
        distance[i] = std::exp(least - distance[i]);
        sum += static_cast<double>(distance[i]);
      }
      std::vector<float> apart(static_cast<size_t>(n));
      for (size_t j = 0; j < classes_.size(); ++j) {
        if (std::isnan(cells[j])) continue;
        std::fill(apart.begin(), apart.end(), 0.0F);
        add_cell(j, cells[j], 1, static_cast<float>(width_.data_ptr<double>()[j]), apart.data());
        double mean = 0;
        for (int64_t i = 0; i < n; ++i) {
          mean += static_cast<double>(distance[i] * apart[static_cast<size_t>(i)]);
        }
        moved.data_ptr<double>()[row * columns + static_cast<int64_t>(j)] = mean / sum;
      }
    });
    for (int64_t j = 0; j < columns; ++j) {
      const auto column = moved.select(1, j);
      const auto known = column.masked_select(column.isnan().logical_not());
      if (known.numel() == 0) continue;
      const double mean = known.mean().item<double>();
      const bool is_class = classes_[static_cast<size_t>(j)] > 0;
      const double least = is_class ? 0.5 / static_cast<double>(x.size(0)) : kLeast;
      width_[j] = is_class ? std::clamp(mean, least, kMostMoved) : std::max(mean, least);
    }
  }

  const std::vector<int64_t> classes_;
  std::shared_ptr<ColumnScale> scale_;
  Tensor kept_, count_, width_;  // [D, rows]; []; [D]
};

const bool neighbours_added = densities().add<NeighboursOptions>(
    "neighbours", "Kernels around training rows, which the run keeps",
    [](const Schema& x, const NeighboursOptions& o) { return std::make_shared<Neighbours>(x, o); });

}  // namespace
}  // namespace elbo
