#include "elbo/eval/boosting.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace elbo {
namespace {

constexpr int64_t kStages = 100, kDepth = 3;
constexpr double kRate = 0.1;
constexpr double kSameFeature = 1e-7;  // values nearer than this are not split

/// Columns of float32 numbers, and the rows of each in increasing order.
struct Table {
  int64_t rows, columns;
  std::vector<float> values;   // [columns, rows]
  std::vector<int32_t> order;  // [columns, rows]

  explicit Table(const Tensor& x)
      : rows(x.size(0)),
        columns(x.size(1)),
        values(static_cast<size_t>(x.numel())),
        order(values.size()) {
    const auto turned = x.t().to(torch::kFloat32).contiguous();
    std::copy_n(turned.data_ptr<float>(), turned.numel(), values.begin());
    for (int64_t c = 0; c < columns; ++c) {
      auto* first = order.data() + c * rows;
      std::iota(first, first + rows, 0);
      std::stable_sort(first, first + rows,
                       [v = column(c)](int32_t a, int32_t b) { return v[a] < v[b]; });
    }
  }
  const float* column(int64_t c) const { return values.data() + c * rows; }
};

struct Node {
  int64_t feature = -1;  // none: a leaf
  float threshold = 0;
  double value = 0;
  int32_t left = -1, right = -1;
};

struct Split {
  double gain = -1;
  int64_t feature = -1;
  float threshold = 0;
};

/// One regression tree on residuals, grown level by level so that each level is one pass over the
/// sorted columns.
class Tree {
 public:
  Tree(const Table& table, const std::vector<double>& residual, std::vector<double>& importance)
      : table_(table), residual_(residual), place_(static_cast<size_t>(table.rows), 0) {
    nodes_.push_back({});
    std::vector<int32_t> level{0};
    for (int64_t depth = 0; depth < kDepth && !level.empty(); ++depth) {
      level = grow(level, importance);
    }
  }

  /// Sets each leaf to one Newton step of the log loss; `share` is (K-1)/K, or 1 for two classes.
  void fit_leaves(const std::vector<double>& truth, double share) {
    std::vector<double> up(nodes_.size(), 0), down(nodes_.size(), 0);
    for (size_t i = 0; i < place_.size(); ++i) {
      const auto leaf = static_cast<size_t>(place_[i]);
      const double p = truth[i] - residual_[i];
      up[leaf] += residual_[i];
      down[leaf] += p * (1 - p);
    }
    for (size_t k = 0; k < nodes_.size(); ++k) {
      nodes_[k].value = std::abs(down[k]) < 1e-150 ? 0 : share * up[k] / down[k];
    }
  }

  double leaf_value(size_t row) const { return nodes_[static_cast<size_t>(place_[row])].value; }
  double value(const Table& table, int64_t row) const {
    const auto* node = &nodes_[0];
    while (node->feature >= 0) {
      const bool left = table.column(node->feature)[row] <= node->threshold;
      node = &nodes_[static_cast<size_t>(left ? node->left : node->right)];
    }
    return node->value;
  }

 private:
  struct Sums {
    double count = 0, sum = 0, squares = 0;
    void add(double r) {
      ++count;
      sum += r;
      squares += r * r;
    }
    double impurity() const { return squares / count - (sum / count) * (sum / count); }
  };

  std::vector<int32_t> grow(const std::vector<int32_t>& level, std::vector<double>& importance) {
    std::vector<Sums> all(nodes_.size());
    for (size_t i = 0; i < place_.size(); ++i) {
      all[static_cast<size_t>(place_[i])].add(residual_[i]);
    }
    std::vector<Split> best(nodes_.size());
    for (int64_t c = 0; c < table_.columns; ++c) scan(c, all, level.front(), best);
    std::vector<int32_t> next;
    for (const auto k : level) {
      const auto& split = best[static_cast<size_t>(k)];
      if (split.feature < 0) continue;
      auto& node = nodes_[static_cast<size_t>(k)];
      node.feature = split.feature;
      node.threshold = split.threshold;
      node.left = static_cast<int32_t>(nodes_.size());
      node.right = node.left + 1;
      next.push_back(node.left);
      next.push_back(node.right);
      nodes_.resize(nodes_.size() + 2);
    }
    move_rows();
    add_importance(all, importance);
    return next;
  }

  /// The best split of every node of the level by one column: the largest Friedman improvement.
  void scan(int64_t column, const std::vector<Sums>& all, int32_t first, std::vector<Split>& best) {
    std::vector<Sums> left(nodes_.size());
    std::vector<float> last(nodes_.size(), 0);
    const auto* values = table_.column(column);
    const auto* order = table_.order.data() + column * table_.rows;
    for (int64_t i = 0; i < table_.rows; ++i) {
      const auto row = order[i];
      if (place_[static_cast<size_t>(row)] < first) continue;  // in a leaf of a level above
      const auto k = static_cast<size_t>(place_[static_cast<size_t>(row)]);
      auto& l = left[k];
      if (l.count > 0 && values[row] > last[k] + kSameFeature) {
        const double right = all[k].count - l.count;
        const double difference = right * l.sum - l.count * (all[k].sum - l.sum);
        const double gain = difference * difference / (l.count * right);
        if (gain > best[k].gain && all[k].impurity() > std::numeric_limits<double>::epsilon()) {
          best[k] = {gain, column, middle(last[k], values[row])};
        }
      }
      l.add(residual_[static_cast<size_t>(row)]);
      last[k] = values[row];
    }
  }
  static float middle(float low, float high) {
    const auto at =
        static_cast<float>(static_cast<double>(low) / 2 + static_cast<double>(high) / 2);
    return at == high ? low : at;
  }

  void move_rows() {
    for (size_t i = 0; i < place_.size(); ++i) {
      const auto& node = nodes_[static_cast<size_t>(place_[i])];
      if (node.feature < 0) continue;
      const bool left = table_.column(node.feature)[i] <= node.threshold;
      place_[i] = left ? node.left : node.right;
    }
  }

  /// What a split takes from the squared error, as a share of all rows, counts for its column.
  void add_importance(const std::vector<Sums>& before, std::vector<double>& importance) {
    std::vector<Sums> after(nodes_.size());
    for (size_t i = 0; i < place_.size(); ++i) {
      after[static_cast<size_t>(place_[i])].add(residual_[i]);
    }
    for (size_t k = 0; k < before.size(); ++k) {
      const auto& node = nodes_[k];
      if (node.feature < 0 || before[k].count == 0 ||
          node.left < static_cast<int32_t>(before.size())) {
        continue;
      }
      const auto& l = after[static_cast<size_t>(node.left)];
      const auto& r = after[static_cast<size_t>(node.right)];
      const double gain =
          before[k].count * before[k].impurity() - l.count * l.impurity() - r.count * r.impurity();
      importance[static_cast<size_t>(node.feature)] += gain / static_cast<double>(table_.rows);
    }
  }

  const Table& table_;
  const std::vector<double>& residual_;
  std::vector<int32_t> place_;  // [rows] the node of each
  std::vector<Node> nodes_;
};

/// In place: scores [K] of one row to probabilities.
void softmax(std::vector<double>& scores) {
  const double top = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (auto& s : scores) sum += s = std::exp(s - top);
  for (auto& s : scores) s /= sum;
}

/// Scores [K][rows], raised stage by stage.
struct Boosting {
  std::vector<std::vector<double>> train, test;
  std::vector<double> importance;
};

/// probability[k][i] of the classes, or of class 1 alone where there is one score.
std::vector<std::vector<double>> probabilities(const std::vector<std::vector<double>>& scores) {
  auto p = scores;
  std::vector<double> row(scores.size());
  for (size_t i = 0; i < scores[0].size(); ++i) {
    if (scores.size() == 1) {
      p[0][i] = 1 / (1 + std::exp(-scores[0][i]));
      continue;
    }
    for (size_t k = 0; k < row.size(); ++k) row[k] = scores[k][i];
    softmax(row);
    for (size_t k = 0; k < row.size(); ++k) p[k][i] = row[k];
  }
  return p;
}

}  // namespace

BoostedTrees boost_trees(const Tensor& x, const Tensor& y_, const Tensor& test_x, int64_t classes) {
  const Table table(x), test(test_x);
  const auto y = y_.to(torch::kInt64).contiguous();
  const auto n = static_cast<size_t>(table.rows), m = static_cast<size_t>(test.rows);
  const auto counts = torch::bincount(y, {}, classes).to(torch::kFloat64);
  const size_t scores = classes == 2 ? 1 : static_cast<size_t>(classes);
  Boosting b;
  b.importance.assign(static_cast<size_t>(table.columns), 0);
  std::vector<std::vector<double>> truth(scores, std::vector<double>(n));
  for (size_t k = 0; k < scores; ++k) {
    const auto label = static_cast<int64_t>(scores == 1 ? 1 : k);
    const double share = counts[label].item<double>() / static_cast<double>(n);
    constexpr double kLeast = 1.2e-7;  // a class without rows begins, and stays, here
    const double p = std::clamp(share, kLeast, 1 - kLeast);
    const double start = scores == 1 ? std::log(p / (1 - p)) : std::log(p);
    b.train.emplace_back(n, start);
    b.test.emplace_back(m, start);
    for (size_t i = 0; i < n; ++i) truth[k][i] = y.data_ptr<int64_t>()[i] == label ? 1 : 0;
  }
  const double share =
      scores == 1 ? 1 : static_cast<double>(scores - 1) / static_cast<double>(scores);
  std::vector<double> residual(n);
  for (int64_t stage = 0; stage < kStages; ++stage) {
    const auto p = probabilities(b.train);
    for (size_t k = 0; k < scores; ++k) {
      for (size_t i = 0; i < n; ++i) residual[i] = truth[k][i] - p[k][i];
      Tree tree(table, residual, b.importance);
      tree.fit_leaves(truth[k], share);
      for (size_t i = 0; i < n; ++i) b.train[k][i] += kRate * tree.leaf_value(i);
      for (size_t i = 0; i < m; ++i) {
        b.test[k][i] += kRate * tree.value(test, static_cast<int64_t>(i));
      }
    }
  }
  BoostedTrees result;
  result.importance = torch::tensor(b.importance, torch::kFloat64);
  const double total = result.importance.sum().item<double>();
  if (total > 0) result.importance = result.importance / total;
  std::vector<Tensor> columns;
  for (const auto& s : b.test) columns.push_back(torch::tensor(s, torch::kFloat64));
  result.predicted =
      scores == 1 ? (columns[0] > 0).to(torch::kInt64) : torch::stack(columns).argmax(0);
  return result;
}

}  // namespace elbo
