#include "elbo/densities/columns.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "elbo/data/column.h"

namespace elbo {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

/// The class numbers of those columns, in place of scaled ones.
Tensor keep_classes(const Tensor& scaled, const Tensor& columns,
                    const std::vector<int64_t>& classes) {
  auto out = scaled;
  for (size_t j = 0; j < classes.size(); ++j) {
    const auto at = static_cast<int64_t>(j);
    if (classes[j] > 0) out.select(1, at).copy_(columns.select(1, at));
  }
  return out;
}

class StandardScale : public ColumnScale {
 public:
  explicit StandardScale(std::vector<int64_t> classes) : classes_(std::move(classes)) {
    const auto n = static_cast<int64_t>(classes_.size());
    loc_ = register_buffer("loc", torch::zeros({n}, torch::kFloat64));
    scale_ = register_buffer("scale", torch::ones({n}, torch::kFloat64));
  }
  void fit(const Tensor& columns) override {
    const auto x = columns.to(torch::kFloat64);
    const auto known = x.isnan().logical_not();
    const auto count = known.sum(0).clamp_min(1);
    const auto mean = x.nan_to_num(0).sum(0) / count;
    const auto variance = ((x - mean).square().nan_to_num(0)).sum(0) / count;
    loc_.copy_(mean);
    scale_.copy_(torch::where(variance > 0, variance.sqrt(), torch::ones_like(variance)));
  }
  Tensor forward(const Tensor& columns) const override {
    const auto scaled = ((columns.to(torch::kFloat64) - loc_) / scale_).to(torch::kFloat32);
    return keep_classes(scaled, columns, classes_);
  }

 private:
  const std::vector<int64_t> classes_;
  Tensor loc_, scale_;
};

/// A monotone map through knots: distinct values of training rows and the normal quantiles of their
/// ranks.
class RankScale : public ColumnScale {
 public:
  explicit RankScale(std::vector<int64_t> classes) : classes_(std::move(classes)) {
    const auto n = static_cast<int64_t>(classes_.size());
    values_ = register_buffer("values", torch::zeros({n, kKnots}));
    scores_ = register_buffer("scores", torch::zeros({n, kKnots}));
  }
  void fit(const Tensor& columns) override {
    for (size_t j = 0; j < classes_.size(); ++j) {
      if (classes_[j] == 0) fit_column(columns.select(1, static_cast<int64_t>(j)), j);
    }
  }
  Tensor forward(const Tensor& columns) const override {
    const auto x = columns.t().contiguous();  // [D, B]
    const auto above = torch::searchsorted(values_, x).clamp(1, kKnots - 1);
    const auto below = above - 1;
    const auto from = values_.gather(1, below), to = values_.gather(1, above);
    const auto low = scores_.gather(1, below), high = scores_.gather(1, above);
    const auto share = (x - from) / (to - from).clamp_min(std::numeric_limits<float>::min());
    auto scaled = low + share.clamp(0, 1) * (high - low);
    scaled = torch::where(x.isnan(), torch::full_like(scaled, kMissing), beyond(x, scaled));
    return keep_classes(scaled.t().contiguous(), columns, classes_);
  }

 private:
  static constexpr int64_t kKnots = 512;
  static constexpr float kFar = 50, kOther = 5;

  /// Outside of what training has seen: on with the mean slope; of a constant column a step.
  Tensor beyond(const Tensor& x, const Tensor& scaled) const {
    const auto ends = [](const Tensor& t, int64_t at) { return t.narrow(1, at, 1); };
    const auto first = ends(values_, 0), last = ends(values_, kKnots - 1);
    const auto range = ends(scores_, kKnots - 1) - ends(scores_, 0);
    const auto width = last - first;
    const auto slope = torch::where(width > 0, range / width, torch::zeros_like(width));
    const auto out = torch::where(x > last, x - last, torch::where(x < first, x - first, x * 0));
    const auto step = torch::where(width > 0, out * slope, out.sign() * kOther);
    return scaled + step.clamp(-kFar, kFar);
  }
  void fit_column(const Tensor& column, size_t at) {
    const auto known = column.masked_select(column.isnan().logical_not()).contiguous();
    std::vector<float> x(known.data_ptr<float>(), known.data_ptr<float>() + known.numel());
    if (x.empty()) return;
    std::sort(x.begin(), x.end());
    std::vector<float> values;
    std::vector<double> ranks;
    for (size_t from = 0; from < x.size();) {
      const auto to =
          static_cast<size_t>(std::upper_bound(x.begin(), x.end(), x[from]) - x.begin());
      values.push_back(x[from]);
      ranks.push_back(static_cast<double>(from + to) / 2 / static_cast<double>(x.size()));
      from = to;
    }
    // Where there are more values than knots: evenly spaced among them, both ends included.
    const auto rank = torch::tensor(ranks, torch::kFloat64);
    const auto score = std::sqrt(2.0) * torch::erfinv(2 * rank - 1);
    const auto n = static_cast<int64_t>(values.size());
    auto* value_at = values_[static_cast<int64_t>(at)].data_ptr<float>();
    auto* score_at = scores_[static_cast<int64_t>(at)].data_ptr<float>();
    for (int64_t k = 0; k < kKnots; ++k) {
      const int64_t i = n <= kKnots ? std::min(k, n - 1) : k * (n - 1) / (kKnots - 1);
      value_at[k] = values[static_cast<size_t>(i)];
      score_at[k] = static_cast<float>(score.data_ptr<double>()[i]);
    }
  }

  const std::vector<int64_t> classes_;
  Tensor values_, scores_;  // [D, knots]
};

}  // namespace

std::vector<int64_t> classes_of_columns(const Schema& x) {
  if (x.kind == Kind::kTable) {
    std::vector<int64_t> classes;
    for (const auto& column : columns_of(x)) {
      classes.push_back(static_cast<int64_t>(column.classes.size()));
    }
    return classes;
  }
  check(x.kind != Kind::kToken && x.present(),
        "[densities] data: they describe rows of numbers and tables, found ", x.kind);
  const auto count = static_cast<size_t>(numel(x.shape));
  return std::vector<int64_t>(count, x.kind == Kind::kCategory ? class_count(x) : 0);
}

Tensor columns_of_rows(const Batch& batch) {
  return observed(batch).reshape({batch.size(), -1}).to(torch::kCPU, torch::kFloat32);
}

Tensor drawn_columns(const Dataset& training, int64_t most) {
  auto order = permutation(training.size(), Draw{}.key("densities"));
  order.resize(std::min(order.size(), static_cast<size_t>(most)));
  constexpr int64_t kBlock = 4096;
  std::vector<Tensor> parts;
  const auto rows = torch::tensor(order, torch::kInt64);
  for (int64_t from = 0; from < rows.size(0); from += kBlock) {
    parts.push_back(
        columns_of_rows(training.get(rows.narrow(0, from, std::min(kBlock, rows.size(0) - from)))));
  }
  return torch::cat(parts);
}

std::shared_ptr<ColumnScale> make_column_scale(const std::string& name,
                                               const std::vector<int64_t>& classes) {
  if (name == "ranks") return std::make_shared<RankScale>(classes);
  return std::make_shared<StandardScale>(classes);
}

}  // namespace elbo
