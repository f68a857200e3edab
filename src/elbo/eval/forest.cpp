#include "elbo/eval/forest.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "elbo/core/error.h"
#include "elbo/core/random.h"

namespace elbo {
namespace {

constexpr int64_t kTrees = 100;
enum : int64_t { kTree, kFeature, kThreshold, kLarger, kShares };  // columns of a node

/// [n, F] contiguous; what is missing lies below every number.
Tensor without_holes(const Tensor& x) {
  const auto values = x.to(torch::kCPU, torch::kFloat32);
  return values.nan_to_num(std::numeric_limits<float>::lowest()).contiguous();
}

/// A split of rows: those whose feature is at most the threshold come first.
struct Cut {
  int64_t feature = -1;
  float threshold = 0;
  double impurity = std::numeric_limits<double>::infinity();
};

/// Grows one tree after the other, each from the left to the right.
class Grower {
 public:
  Grower(const Tensor& x, const Tensor& y, int64_t classes)
      : x_(without_holes(x)),
        y_(y.to(torch::kCPU, torch::kInt64).contiguous()),
        rows_(x.size(0)),
        features_(x.size(1)),
        classes_(classes),
        key_(Draw{}.key("forest")),
        value_(x_.data_ptr<float>()),
        label_(y_.data_ptr<int64_t>()) {}

  Tensor grown() {
    const auto n = static_cast<size_t>(rows_);
    for (tree_ = 0; tree_ < kTrees; ++tree_) {
      std::vector<int64_t> drawn(n);
      for (auto& row : drawn) row = below(rows_);
      grow(drawn.data(), drawn.data() + n);
    }
    const auto width = kShares + classes_;
    return torch::tensor(nodes_).view({-1, width});
  }

 private:
  int64_t below(int64_t n) {
    return static_cast<int64_t>(uniform_at(key_, position_++) * static_cast<double>(n));
  }
  float value(int64_t row, int64_t feature) const { return value_[row * features_ + feature]; }

  std::vector<double> counted(const int64_t* first, const int64_t* last) const {
    std::vector<double> counts(static_cast<size_t>(classes_), 0);
    for (const auto* row = first; row != last; ++row) ++counts[static_cast<size_t>(label_[*row])];
    return counts;
  }

  void grow(int64_t* first, int64_t* last) {
    const auto counts = counted(first, last);
    const auto here = nodes_.size();
    const auto n = static_cast<double>(last - first);
    nodes_.insert(nodes_.end(), {static_cast<float>(tree_), -1, 0, 0});
    for (const double count : counts) nodes_.push_back(static_cast<float>(count / n));
    if (*std::max_element(counts.begin(), counts.end()) == n) return;
    const auto cut = best_cut(first, last, counts);
    if (cut.feature < 0) return;
    auto* middle = std::partition(
        first, last, [&](int64_t row) { return value(row, cut.feature) <= cut.threshold; });
    grow(first, middle);
    const auto width = static_cast<size_t>(kShares + classes_);
    nodes_[here + kFeature] = static_cast<float>(cut.feature);
    nodes_[here + kThreshold] = cut.threshold;
    nodes_[here + kLarger] = static_cast<float>(nodes_.size() / width);
    grow(middle, last);
  }

  /// Features are tried in a random order: √F of them, and more until one of them splits.
  Cut best_cut(int64_t* first, int64_t* last, const std::vector<double>& counts) {
    const auto enough =
        static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(features_))));
    Cut best;
    std::vector<int64_t> order(static_cast<size_t>(features_));
    std::iota(order.begin(), order.end(), 0);
    for (int64_t tried = 0; tried < features_; ++tried) {
      if (tried >= std::max<int64_t>(1, enough) && best.feature >= 0) break;
      std::swap(order[static_cast<size_t>(tried)],
                order[static_cast<size_t>(tried + below(features_ - tried))]);
      scan(order[static_cast<size_t>(tried)], first, last, counts, best);
    }
    return best;
  }

  void scan(int64_t feature, int64_t* first, int64_t* last, const std::vector<double>& counts,
            Cut& best) const {
    std::sort(first, last, [&](int64_t a, int64_t b) {
      return std::pair(value(a, feature), a) < std::pair(value(b, feature), b);
    });
    std::vector<double> low(counts.size(), 0);
    const auto n = static_cast<double>(last - first);
    double squares = 0, rest = 0;  // Σ of the squared counts on both sides
    for (const double count : counts) rest += count * count;
    for (auto* row = first; row + 1 != last; ++row) {
      const auto k = static_cast<size_t>(label_[*row]);
      rest -= 2 * (counts[k] - low[k]) - 1;
      squares += 2 * low[k] + 1;
      ++low[k];
      const float here = value(*row, feature), next = value(*(row + 1), feature);
      if (here == next) continue;
      const auto left = static_cast<double>(row + 1 - first);
      const double impurity = n - squares / left - rest / (n - left);
      if (impurity < best.impurity) best = {feature, halfway(here, next), impurity};
    }
  }
  static float halfway(float low, float high) {
    const auto at = static_cast<float>((static_cast<double>(low) + static_cast<double>(high)) / 2);
    return at == high ? low : at;
  }

  Tensor x_, y_;
  int64_t rows_, features_, classes_, tree_ = 0;
  uint64_t key_, position_ = 0;
  const float* value_;
  const int64_t* label_;
  std::vector<float> nodes_;
};

}  // namespace

Forest::Forest(const Tensor& x, const Tensor& y, int64_t classes)
    : nodes_(Grower(x, y, classes).grown()) {}

Forest::Forest(const Tensor& nodes) : nodes_(nodes.to(torch::kFloat32).contiguous()) {
  check(nodes_.dim() == 2 && nodes_.size(1) > kShares && nodes_.size(0) > 0,
        "[forest] found nodes of shape ", to_string(Shape(nodes.sizes().vec())),
        ", expected rows of 4 numbers and the shares of classes");
  const auto places = torch::arange(nodes_.size(0), torch::kFloat32);
  const auto feature = nodes_.select(1, kFeature), larger = nodes_.select(1, kLarger);
  // A walk down a tree goes forward, and ends.
  const auto leaf = feature < 0;
  const auto forward = (larger > places + 1).logical_and(larger < nodes_.size(0));
  check(nodes_.isfinite().all().item<bool>() && forward.logical_or(leaf).all().item<bool>() &&
            leaf[-1].item<bool>(),
        "[forest] nodes: expected trees, found places that lead back or beyond the last");
}

int64_t Forest::classes() const { return nodes_.size(1) - kShares; }

Tensor Forest::probabilities(const Tensor& x_) const {
  const auto x = without_holes(x_);
  const int64_t width = nodes_.size(1), count = classes(), m = x.size(0);
  const auto* node = nodes_.data_ptr<float>();
  std::vector<int64_t> roots;
  for (int64_t i = 0; i < nodes_.size(0); ++i) {
    if (i == 0 || node[i * width + kTree] != node[(i - 1) * width + kTree]) roots.push_back(i);
  }
  const double features = nodes_.select(1, kFeature).max().item<double>();
  check(features < static_cast<double>(x.size(1)), "[forest] found rows of ", x.size(1),
        " values, the trees ask for more");
  const auto p = torch::zeros({m, count}, torch::kFloat64);
  auto* out = p.data_ptr<double>();
  for (int64_t row = 0; row < m; ++row) {
    const auto* cells = x.data_ptr<float>() + row * x.size(1);
    for (int64_t at : roots) {
      while (node[at * width + kFeature] >= 0) {
        const auto* here = node + at * width;
        const bool small = cells[static_cast<int64_t>(here[kFeature])] <= here[kThreshold];
        at = small ? at + 1 : static_cast<int64_t>(here[kLarger]);
      }
      for (int64_t k = 0; k < count; ++k) {
        out[row * count + k] += static_cast<double>(node[at * width + kShares + k]);
      }
    }
  }
  return p / static_cast<double>(roots.size());
}

}  // namespace elbo
