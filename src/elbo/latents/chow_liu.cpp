#include "elbo/latents/chow_liu.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "elbo/core/error.h"

namespace elbo {
namespace {

constexpr int64_t kLevels = 32, kFewLevels = 16, kManyColumns = 40, kFewestTreeRows = 2000;
constexpr double kTreeWork = 2e10;  // multiplications

/// Levels of a column [N] int64, of about as many known rows each, a tie in one level.
Tensor levels_of(const Tensor& x, const Tensor& known, int64_t levels) {
  const auto sorted = std::get<0>(x.masked_select(known).sort());
  if (sorted.numel() == 0) return torch::zeros({x.size(0)}, torch::kInt64);
  const auto at = (torch::arange(1, levels) * sorted.numel()).div(levels, "floor");
  const auto ends = std::get<0>(torch::_unique(sorted.index_select(0, at)));
  return torch::searchsorted(std::get<0>(ends.sort()), x.nan_to_num(0).contiguous(), false, true);
}

/// In nats, less what chance alone gives levels that are independent.
double information_of(const Tensor& counts) {
  const double n = counts.sum().item<double>();
  if (n < 2) return 0;
  const auto p = counts / n;
  const auto a = p.sum(1, true), b = p.sum(0, true);
  const auto terms = p * (p.clamp_min(1e-12) / (a * b).clamp_min(1e-12)).log();
  const auto degrees = ((a > 0).sum() - 1) * ((b > 0).sum() - 1);
  return terms.sum().item<double>() - degrees.item<double>() / (2 * n);
}

}  // namespace

ColumnTree chain_of_columns(int64_t columns) {
  std::vector<int64_t> parent;
  for (int64_t j = 0; j < columns; ++j) parent.push_back(j - 1);
  return tree_of_parents(parent);
}

ColumnTree tree_of_parents(std::vector<int64_t> parent) {
  ColumnTree tree{std::move(parent), {}};
  const auto d = static_cast<int64_t>(tree.parent.size());
  std::vector<int64_t> front{-1};
  for (size_t next = 0; next < front.size(); ++next) {
    for (int64_t j = 0; j < d; ++j) {
      if (tree.parent[static_cast<size_t>(j)] == front[next]) front.push_back(j);
    }
  }
  tree.order.assign(front.begin() + 1, front.end());
  check(static_cast<int64_t>(tree.order.size()) == d &&
            std::count(tree.parent.begin(), tree.parent.end(), -1) == 1,
        "[latent tree] parent: expected those of one tree over ", d, " columns");
  return tree;
}

ColumnTree chow_liu_tree(const Tensor& x, const Tensor& known) {
  torch::NoGradGuard no_gradient;
  const int64_t d = x.size(1);
  const int64_t levels = d > kManyColumns ? kFewLevels : kLevels;
  const auto wide = static_cast<double>(levels * d);
  const auto rows = std::min(
      x.size(0), std::max(kFewestTreeRows, static_cast<int64_t>(kTreeWork / (wide * wide))));
  std::vector<Tensor> marks;
  for (int64_t j = 0; j < d; ++j) {
    const auto column = x.select(1, j).narrow(0, 0, rows).contiguous();
    const auto seen = known.select(1, j).narrow(0, 0, rows);
    // A missing cell is a level of its own: what is missing may depend on other columns.
    const auto level =
        levels_of(column, seen, levels - 1).masked_fill(seen.logical_not(), levels - 1);
    marks.push_back(torch::zeros({rows, levels}).scatter_(1, level.unsqueeze(1), 1));
  }
  const auto all = torch::cat(marks, 1);
  const auto joint = all.t().mm(all).view({d, levels, d, levels}).to(torch::kFloat64);
  std::vector<std::vector<double>> shared(static_cast<size_t>(d),
                                          std::vector<double>(static_cast<size_t>(d)));
  std::vector<double> total(static_cast<size_t>(d));
  for (int64_t a = 0; a < d; ++a) {
    for (int64_t b = 0; b < a; ++b) {
      const double nats = information_of(joint[a].select(1, b));
      shared[static_cast<size_t>(a)][static_cast<size_t>(b)] = nats;
      shared[static_cast<size_t>(b)][static_cast<size_t>(a)] = nats;
      total[static_cast<size_t>(a)] += nats;
      total[static_cast<size_t>(b)] += nats;
    }
  }
  // Prim: from the column that tells most of all others.
  const auto root =
      static_cast<size_t>(std::max_element(total.begin(), total.end()) - total.begin());
  std::vector<int64_t> parent(static_cast<size_t>(d), static_cast<int64_t>(root));
  std::vector<bool> within(static_cast<size_t>(d), false);
  parent[root] = -1;
  within[root] = true;
  auto best = shared[root];
  for (int64_t k = 1; k < d; ++k) {
    size_t next = 0;
    double most = -std::numeric_limits<double>::infinity();
    for (size_t j = 0; j < best.size(); ++j) {
      if (!within[j] && best[j] > most) {
        most = best[j];
        next = j;
      }
    }
    within[next] = true;
    for (size_t j = 0; j < best.size(); ++j) {
      if (within[j] || shared[next][j] <= best[j]) continue;
      best[j] = shared[next][j];
      parent[j] = static_cast<int64_t>(next);
    }
  }
  return tree_of_parents(parent);
}

}  // namespace elbo
