#include "elbo/densities/row_kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "elbo/kernels/parallel.h"

namespace elbo {

RowKernels::RowKernels(const Schema& x, const KernelOptions& options)
    : classes_(classes_of_columns(x)),
      scale_(register_module("scale", make_column_scale(options.scale, classes_))) {
  const auto columns = static_cast<int64_t>(classes_.size());
  kept_ = register_buffer("kept", torch::zeros({columns, options.rows}));
  count_ = register_buffer("count", torch::zeros({}, torch::kInt64));
  width_ = register_buffer("width", torch::ones({columns}, torch::kFloat64));
}

std::vector<RowKernels::Cell> RowKernels::cells() const {
  std::vector<Cell> kernels(classes_.size());
  for (size_t j = 0; j < kernels.size(); ++j) {
    const double width = width_.data_ptr<double>()[j];
    if (classes_[j] == 0) {
      kernels[j] = {static_cast<float>(std::log(2 * width)), static_cast<float>(1 / width)};
      continue;
    }
    const auto others = static_cast<double>(std::max<int64_t>(1, classes_[j] - 1));
    kernels[j].base = static_cast<float>(-std::log1p(-width));
    kernels[j].slope = static_cast<float>(std::max(0.0, std::log((1 - width) * others / width)));
  }
  return kernels;
}

void RowKernels::over_rows(const Tensor& x, size_t places, const EachRow& f) const {
  const auto columns = static_cast<int64_t>(classes_.size());
  kernels::over_ranges(0, x.size(0), 8, [&](int64_t from, int64_t to) {
    std::vector<float> room(places * static_cast<size_t>(count()));
    for (int64_t row = from; row < to; ++row) {
      std::fill(room.begin(), room.end(), 0.0F);
      f(row, x.data_ptr<float>() + row * columns, room.data());
    }
  });
}

void RowKernels::add_distances(size_t j, float cell, float slope, float unknown, float* out) const {
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

void RowKernels::add_cell(size_t j, float cell, const Cell& kernel, float* out) const {
  if (std::isnan(cell)) return;
  // Of a kept cell that is missing nothing is known: a width away, or half of the classes.
  add_distances(j, cell, kernel.slope, classes_[j] > 0 ? kernel.slope / 2 : 1, out);
}

Tensor RowKernels::fit(const Dataset& training) {
  constexpr int64_t kForScale = 65536, kRounds = 12, kMostJudged = 1024, kLeastJudged = 64;
  constexpr double kStart = 0.5, kStartClass = 0.1, kWork = 3e8;
  const auto columns = drawn_columns(training, std::max(kForScale, kept_.size(1)));
  scale_->fit(columns);
  const int64_t n = std::min(columns.size(0), kept_.size(1)), width = kept_.size(0);
  const auto rows = scaled(columns.narrow(0, 0, n));
  kept_.narrow(1, 0, n).copy_(rows.t());
  count_.fill_(n);
  for (int64_t j = 0; j < width; ++j) {
    width_[j] = classes_[static_cast<size_t>(j)] > 0 ? kStartClass : kStart;
  }
  if (n < 2) return columns;
  const auto affordable =
      static_cast<int64_t>(kWork / static_cast<double>(n * std::max<int64_t>(1, width)));
  const int64_t judged = std::min(n, std::clamp(affordable, kLeastJudged, kMostJudged));
  const auto x = rows.narrow(0, 0, judged).contiguous();
  for (int64_t round = 0; round < kRounds; ++round) improve_widths(x);
  return columns;
}

/// A step of EM: which rows explain each one, then how far its cells are from theirs.
void RowKernels::improve_widths(const Tensor& x) {
  constexpr double kLeast = 0.01, kMostMoved = 0.9;
  const auto columns = static_cast<int64_t>(classes_.size());
  const auto kernels = cells();
  auto moved =
      torch::full({x.size(0), columns}, std::numeric_limits<double>::quiet_NaN(), torch::kFloat64);
  over_rows(x, 2, [&](int64_t row, const float* cells, float* room) {
    const int64_t n = count();
    float* weight = room;
    float* apart = room + n;
    for (size_t j = 0; j < classes_.size(); ++j) add_cell(j, cells[j], kernels[j], weight);
    weight[row] = std::numeric_limits<float>::infinity();  // the first kept rows are judged
    const float least = *std::min_element(weight, weight + n);
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      weight[i] = std::exp(least - weight[i]);
      sum += static_cast<double>(weight[i]);
    }
    for (size_t j = 0; j < classes_.size(); ++j) {
      if (std::isnan(cells[j])) continue;
      std::fill(apart, apart + n, 0.0F);
      add_distances(j, cells[j], 1, static_cast<float>(width_.data_ptr<double>()[j]), apart);
      double mean = 0;
      for (int64_t i = 0; i < n; ++i) mean += static_cast<double>(weight[i] * apart[i]);
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

bool leave_out_same(float* distance, int64_t n) {
  float* same = std::find(distance, distance + n, 0.0F);
  if (same == distance + n) return false;
  *same = std::numeric_limits<float>::infinity();
  return true;
}

double log_sum(const float* distance, int64_t n) {
  constexpr float kNothing = 30;  // e^-30 of the largest term
  const float least = *std::min_element(distance, distance + n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const float more = distance[i] - least;
    if (more < kNothing) sum += static_cast<double>(std::exp(-more));
  }
  return std::log(sum) - static_cast<double>(least);
}

}  // namespace elbo
