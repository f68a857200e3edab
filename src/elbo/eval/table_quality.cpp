#include "elbo/eval/table_quality.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "elbo/eval/table_comparison.h"

namespace elbo {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kTrendBins = 10;
constexpr double kRelatedNumbers = 0.5, kRelatedStates = 0.3;
constexpr int64_t kMostCounted = 1 << 14;  // joint states that are counted in a table

/// [n] 1 … 11 as numpy.digitize() over numpy.histogram_bin_edges() of the known cells.
Tensor bins_of(const Tensor& cells) {
  const auto missing = cells.isnan();
  const auto known = cells.masked_select(missing.logical_not());
  double low = 0, high = 1;
  if (known.numel() > 0) {
    low = known.min().item<double>();
    high = known.max().item<double>();
  }
  if (low == high) {
    low -= 0.5;
    high += 0.5;
  }
  const auto edges = torch::arange(kTrendBins + 1, torch::kFloat64) *
                         ((high - low) / static_cast<double>(kTrendBins)) +
                     low;
  edges[kTrendBins] = high;
  const auto bins = torch::searchsorted(edges, cells.contiguous(), false, /*right=*/true);
  return bins.masked_fill(missing, kTrendBins + 1);
}

/// [n] from 1, the state of each cell beside a column of classes.
Tensor joint_states(const Tensor& cells, const Column& column) {
  if (column.numeric()) return bins_of(cells);
  return (cells + 1).nan_to_num(0).to(torch::kInt64) + 1;
}

/// States of one column, and a bound of theirs.
struct States {
  Tensor real, synthetic;
  int64_t bound;
};
States states_in_both(const Tensor& real, const Tensor& synthetic, const Column& column) {
  const auto bound =
      column.numeric() ? kTrendBins + 2 : static_cast<int64_t>(column.classes.size()) + 2;
  return {joint_states(real, column), joint_states(synthetic, column), bound};
}

/// Shares of joint states, [2, K] of the two tables.
Tensor joint_shares(const States& a, const States& b) {
  auto real = a.real * b.bound + b.real, synthetic = a.synthetic * b.bound + b.synthetic;
  int64_t bound = a.bound * b.bound;
  if (bound > kMostCounted) {
    const auto found = at::_unique2(torch::cat({real, synthetic}), true, true);
    bound = std::get<0>(found).numel();
    const auto places = std::get<1>(found);
    const int64_t n = real.numel();
    real = places.narrow(0, 0, n);
    synthetic = places.narrow(0, n, synthetic.numel());
  }
  const auto shares = [&](const Tensor& states) {
    return torch::bincount(states, {}, bound).to(torch::kFloat64) /
           static_cast<double>(states.numel());
  };
  return torch::stack({shares(real), shares(synthetic)});
}

double contingency_similarity(const States& a, const States& b) {
  const auto shares = joint_shares(a, b);
  return 1 - (shares[0] - shares[1]).abs().sum().item<double>() / 2;
}

/// Cramér's V of two columns' states in the real table; NaN where one of them has a single one.
double state_association(const States& a, const States& b) {
  const auto shares = [](const Tensor& states, int64_t bound) {
    return torch::bincount(states, {}, bound).to(torch::kFloat64) /
           static_cast<double>(states.numel());
  };
  const auto p = shares(a.real, a.bound), q = shares(b.real, b.bound);
  const auto seen = std::min((p > 0).sum().item<int64_t>(), (q > 0).sum().item<int64_t>());
  if (seen < 2) return kUndefined;
  const auto found = at::_unique2(a.real * b.bound + b.real, true, false, true);
  const auto joint = std::get<2>(found).to(torch::kFloat64) / static_cast<double>(a.real.numel());
  const auto i = std::get<0>(found).div(b.bound, "floor"), j = std::get<0>(found) % b.bound;
  const double phi2 =
      (joint.square() / (p.index_select(0, i) * q.index_select(0, j))).sum().item<double>() - 1;
  return std::sqrt(std::max(phi2, 0.0) / static_cast<double>(seen - 1));
}

/// Places in the order of values, from 1; equal ones share the mean of theirs.
Tensor average_ranks(const Tensor& x) {
  const auto found = at::_unique2(x, true, true, true);
  const auto count = std::get<2>(found).to(torch::kFloat64);
  return (count.cumsum(0) - (count - 1) / 2).index_select(0, std::get<1>(found));
}

/// Each column by itself.
Tensor columns_ranked(const Tensor& x) {
  std::vector<Tensor> ranks;
  for (int64_t i = 0; i < x.size(1); ++i) ranks.push_back(average_ranks(x.select(1, i)));
  return torch::stack(ranks, 1);
}

/// [k, k] Pearson's coefficients of columns without holes; NaN where one is constant.
Tensor pearson_matrix(const Tensor& x) {
  const auto constant = (x == x[0]).all(0);
  const auto deviation = x - x.mean(0);
  const auto scaled = deviation / deviation.norm(2, 0).masked_fill(constant, kUndefined);
  return scaled.t().mm(scaled);
}

/// The same of two columns over the rows that know both; NaN for fewer than two.
double coefficient(const Tensor& a, const Tensor& b, Correlation by) {
  const auto both = a.isnan().logical_or(b.isnan()).logical_not().nonzero().flatten();
  if (both.numel() < 2) return kUndefined;
  const auto x = torch::stack({a.index_select(0, both), b.index_select(0, both)}, 1);
  return pearson_matrix(by == Correlation::kSpearman ? columns_ranked(x) : x)[0][1].item<double>();
}

void set_pair(const Tensor& matrix, int64_t i, int64_t j, double value) {
  matrix[i][j] = value;
  matrix[j][i] = value;
}

template <class F>
void for_number_pairs(const std::vector<Column>& columns, F&& f) {
  for (size_t i = 0; i < columns.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (columns[i].numeric() && columns[j].numeric()) {
        f(static_cast<int64_t>(i), static_cast<int64_t>(j));
      }
    }
  }
}

/// [D, D], NaN but for pairs of numbers. Columns without holes go together, which is far faster.
Tensor coefficients(const Tensor& x, const std::vector<Column>& columns, Correlation by) {
  const auto d = static_cast<int64_t>(columns.size());
  auto matrix = torch::full({d, d}, kUndefined, torch::kFloat64);
  const auto holes = x.isnan().any(0).contiguous();
  const auto* has_holes = holes.data_ptr<bool>();
  std::vector<int64_t> whole;
  for (int64_t i = 0; i < d; ++i) {
    if (columns[static_cast<size_t>(i)].numeric() && !has_holes[i]) whole.push_back(i);
  }
  if (!whole.empty() && x.size(0) > 1) {
    const auto places = torch::tensor(whole, torch::kInt64);
    const auto cells = x.index_select(1, places);
    matrix.index_put_({places.unsqueeze(1), places.unsqueeze(0)},
                      pearson_matrix(by == Correlation::kSpearman ? columns_ranked(cells) : cells));
  }
  for_number_pairs(columns, [&](int64_t i, int64_t j) {
    if (has_holes[i] || has_holes[j]) {
      set_pair(matrix, i, j, coefficient(x.select(1, i), x.select(1, j), by));
    }
  });
  return matrix.fill_diagonal_(kUndefined);
}

/// Of all other pairs: their places and states; numbers are binned.
template <class F>
void for_mixed_pairs(const Tensor& real, const Tensor& synthetic,
                     const std::vector<Column>& columns, F&& f) {
  std::vector<States> states;
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    states.push_back(states_in_both(real.select(1, at), synthetic.select(1, at), columns[i]));
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (columns[i].numeric() && columns[j].numeric()) continue;
      f(static_cast<int64_t>(i), static_cast<int64_t>(j), states[i], states[j]);
    }
  }
}

}  // namespace

Tensor column_shapes(const Tensor& real, const Tensor& synthetic,
                     const std::vector<Column>& columns) {
  const auto none = [](const Tensor& x) { return x.isnan().all(0); };
  return (1 - marginal_distances(real, synthetic, columns))
      .masked_fill(none(real).logical_or(none(synthetic)), kUndefined);
}

Tensor pair_trends(const Tensor& real, const Tensor& synthetic,
                   const std::vector<Column>& columns) {
  auto matrix = number_trends(real, synthetic, columns, Correlation::kPearson);
  for_mixed_pairs(real, synthetic, columns,
                  [&](int64_t i, int64_t j, const States& a, const States& b) {
                    set_pair(matrix, i, j, contingency_similarity(a, b));
                  });
  return matrix;
}

Tensor related_pairs(const Tensor& real, const std::vector<Column>& columns) {
  auto strength = coefficients(real, columns, Correlation::kPearson).abs() / kRelatedNumbers;
  for_mixed_pairs(real, real, columns, [&](int64_t i, int64_t j, const States& a, const States& b) {
    set_pair(strength, i, j, state_association(a, b) / kRelatedStates);
  });
  return strength > 1;
}

Tensor number_trends(const Tensor& real, const Tensor& synthetic,
                     const std::vector<Column>& columns, Correlation by) {
  const auto difference = coefficients(real, columns, by) - coefficients(synthetic, columns, by);
  return 1 - difference.abs() / 2;
}

}  // namespace elbo
