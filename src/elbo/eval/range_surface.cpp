#include "elbo/eval/range_surface.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "elbo/core/error.h"

namespace elbo {
namespace {

constexpr int64_t kThresholds = 250;

struct Range {
  int64_t first, last;
};
using Counts = std::vector<double>;  // by threshold, from the highest

std::vector<Range> ranges_of(const double* labels, int64_t n) {
  std::vector<Range> ranges;
  for (int64_t i = 0; i < n; ++i) {
    if (!(labels[i] > 0)) continue;
    if (i == 0 || !(labels[i - 1] > 0)) ranges.push_back({i, i});
    ranges.back().last = i;
  }
  return ranges;
}

/// Ranges with half a window on both sides, joined where they meet.
std::vector<Range> widened(const std::vector<Range>& ranges, int64_t half, int64_t n) {
  std::vector<Range> wide;
  for (const auto& range : ranges) {
    const Range one{std::max<int64_t>(range.first - half, 0), std::min(range.last + half, n - 1)};
    if (wide.empty() || wide.back().last < range.first - half) {
      wide.push_back(one);
    } else {
      wide.back().last = one.last;
    }
  }
  return wide;
}

/// Scores at some ranks; for each row the first threshold that it reaches.
struct Levels {
  std::vector<int64_t> of_row;
  Counts alarms;
};

Levels levels_of(const double* scores, int64_t n) {
  std::vector<double> sorted(scores, scores + n);
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  const double step = static_cast<double>(n - 1) / (kThresholds - 1);
  std::vector<double> thresholds(kThresholds);
  for (int64_t k = 0; k < kThresholds; ++k) {
    const auto rank =
        k + 1 < kThresholds ? static_cast<int64_t>(static_cast<double>(k) * step) : n - 1;
    thresholds[static_cast<size_t>(k)] = sorted[static_cast<size_t>(rank)];
  }
  Levels levels{std::vector<int64_t>(static_cast<size_t>(n)), Counts(kThresholds, 0)};
  for (int64_t i = 0; i < n; ++i) {
    const auto reached = std::lower_bound(thresholds.begin(), thresholds.end(), scores[i],
                                          [](double t, double score) { return t > score; });
    const auto level = reached - thresholds.begin();
    levels.of_row[static_cast<size_t>(i)] = level;
    ++levels.alarms[static_cast<size_t>(level)];
  }
  return levels;
}

/// Sums from the highest threshold down.
Counts accumulated(Counts counts) {
  for (size_t k = 1; k < counts.size(); ++k) counts[k] += counts[k - 1];
  return counts;
}

class Surface {
 public:
  Surface(const double* scores, const double* labels, int64_t n)
      : n_(n),
        labels_(labels),
        ranges_(ranges_of(labels, n)),
        levels_(levels_of(scores, n)),
        alarms_(accumulated(levels_.alarms)),
        hits_(kThresholds, 0) {
    for (int64_t i = 0; i < n; ++i) {
      if (!(labels[i] > 0)) continue;
      ++positives_;
      ++hits_[level(i)];
    }
    hits_ = accumulated(hits_);
  }
  bool judges() const { return positives_ > 0 && positives_ < static_cast<double>(n_); }

  RangeSurface at(int64_t window) const {
    const auto wide = widened(ranges_, window / 2, n_);
    const auto near = accumulated(buffer_weights(window, wide));
    const auto found = found_ranges(wide);
    RangeSurface area;
    double tpr_before = 0, fpr_before = 0;
    for (size_t k = 0; k < kThresholds; ++k) {
      const double true_positives = hits_[k] + near[k];
      const double known = positives_ + near[k] / 2;
      const double tpr = std::min(true_positives / known, 1.0) * found[k];
      const double fpr = (alarms_[k] - true_positives) / (static_cast<double>(n_) - known);
      area.roc += (fpr - fpr_before) * (tpr + tpr_before) / 2;
      area.pr += (tpr - tpr_before) * true_positives / alarms_[k];
      tpr_before = tpr;
      fpr_before = fpr;
    }
    area.roc += (1 - fpr_before) * (1 + tpr_before) / 2;
    return area;
  }

 private:
  size_t level(int64_t row) const {
    return static_cast<size_t>(levels_.of_row[static_cast<size_t>(row)]);
  }

  /// Weights of the rows beside ranges, by the threshold that they reach.
  Counts buffer_weights(int64_t window, const std::vector<Range>& wide) const {
    Counts weights(kThresholds, 0);
    std::vector<double> label(labels_, labels_ + n_);
    const auto half = window / 2;
    const auto add = [&](int64_t row, int64_t distance) {
      label[static_cast<size_t>(row)] +=
          std::sqrt(1 - static_cast<double>(distance) / static_cast<double>(window));
    };
    for (const auto& r : ranges_) {
      for (int64_t i = r.last + 1; i < std::min(r.last + half + 1, n_); ++i) add(i, i - r.last);
      for (int64_t i = std::max<int64_t>(r.first - half, 0); i < r.first; ++i) add(i, r.first - i);
    }
    for (const auto& range : wide) {
      for (int64_t i = range.first; i <= range.last; ++i) {
        if (!(labels_[i] > 0)) weights[level(i)] += std::min(label[static_cast<size_t>(i)], 1.0);
      }
    }
    return weights;
  }

  /// Share of the widened ranges that hold an alarm, by threshold.
  Counts found_ranges(const std::vector<Range>& wide) const {
    Counts found(kThresholds, 0);
    for (const auto& range : wide) {
      size_t highest = kThresholds - 1;
      for (int64_t i = range.first; i <= range.last; ++i) highest = std::min(highest, level(i));
      found[highest] += 1 / static_cast<double>(wide.size());
    }
    return accumulated(std::move(found));
  }

  const int64_t n_;
  const double* const labels_;
  const std::vector<Range> ranges_;
  const Levels levels_;
  const Counts alarms_;
  Counts hits_;
  double positives_ = 0;
};

}  // namespace

RangeSurface range_surface(const Tensor& scores, const Tensor& labels, int64_t window) {
  const auto flat = [](const Tensor& t) {
    return t.detach().to(torch::kCPU, torch::kFloat64).flatten().contiguous();
  };
  const auto s = flat(scores), y = flat(labels);
  check(s.numel() == y.numel(), "[score] labels: found ", y.numel(), " for ", s.numel(), " scores");
  const Surface surface(s.data_ptr<double>(), y.data_ptr<double>(), s.numel());
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (!surface.judges()) return {kNone, kNone};
  RangeSurface mean;
  for (int64_t w = 0; w <= window; ++w) {
    const auto one = surface.at(w);
    mean.roc += one.roc / static_cast<double>(window + 1);
    mean.pr += one.pr / static_cast<double>(window + 1);
  }
  return mean;
}

}  // namespace elbo
