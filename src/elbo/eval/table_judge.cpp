#include "elbo/eval/table_judge.h"

#include <algorithm>

#include "elbo/core/error.h"
#include "elbo/eval/boosted_forest.h"
#include "elbo/eval/ranking.h"
#include "elbo/eval/sample_distance.h"

namespace elbo {
namespace {

constexpr int64_t kJudgeFolds = 3, kBlockRows = 512, kAlphas = 30;

Tensor rows_where(const Tensor& x, const Tensor& mask) {
  return x.index_select(0, mask.nonzero().flatten());
}

/// Nearest row of `others` to each of x, by exact differences once it is found; where `skip` is set
/// a row is not its own neighbour.
struct Nearest {
  Tensor distance, row;
  Nearest(const Tensor& x, const Tensor& others, bool skip) {
    std::vector<Tensor> rows;
    for (int64_t from = 0; from < x.size(0); from += kBlockRows) {
      const auto block = x.slice(0, from, from + kBlockRows);
      auto squares = squared_distances(block, others);
      if (skip) {
        const auto own = torch::arange(block.size(0));
        squares.index_put_({own, own + from}, INFINITY);
      }
      rows.push_back(squares.argmin(1));
    }
    row = torch::cat(rows);
    distance = (x - others.index_select(0, row)).square().sum(1).sqrt();
  }
};

double curve_score(const Tensor& alphas, const Tensor& shares) {
  return 1 - ((alphas - shares).abs().sum() / alphas.sum()).item<double>();
}

/// [30] for each radius: the share of all rows that are `counted` and lie within it.
Tensor shares_within(const Tensor& distance, const Tensor& counted, const Tensor& radii) {
  const auto within = distance.unsqueeze(0) <= radii.unsqueeze(1);
  return within.logical_and(counted).to(torch::kFloat64).mean(1);
}

}  // namespace

ToldApart tell_apart(const Tensor& x, const Tensor& y, const Tensor& folds) {
  const auto all = torch::cat({x, y});
  const auto truth = torch::cat({torch::ones({x.size(0)}), torch::zeros({y.size(0)})});
  const int64_t count = folds.max().item<int64_t>() + 1;
  ToldApart told{0, torch::zeros({x.size(1)}, torch::kFloat64)};
  for (int64_t fold = 0; fold < count; ++fold) {
    const auto judged = folds == fold, fitted = judged.logical_not();
    const auto forest = boost_forest(rows_where(all, fitted), rows_where(truth, fitted),
                                     rows_where(all, judged), 2);
    told.auc += auroc(forest.predicted.select(1, 1), rows_where(truth, judged)) /
                static_cast<double>(count);
    told.gain += forest.gain / static_cast<double>(count);
  }
  return told;
}

Tensor three_folds(int64_t n, int64_t m) {
  const auto folds = [](int64_t rows) {
    return (torch::arange(rows) % kJudgeFolds).index_select(0, torch::randperm(rows));
  };
  return torch::cat({folds(n), folds(m)});
}

double class_auc(const Tensor& probabilities, const Tensor& y) {
  const int64_t classes = probabilities.size(1);
  if (classes == 2) return auroc(probabilities.select(1, 1), y == 1);
  double sum = 0, found = 0;
  for (int64_t k = 0; k < classes; ++k) {
    const double one = auroc(probabilities.select(1, k), y == k);
    if (!std::isfinite(one)) continue;
    sum += one;
    ++found;
  }
  return sum / found;
}

double explained(const Tensor& predicted, const Tensor& y) {
  const auto truth = y.to(torch::kFloat64);
  return 1 - ((predicted - truth).square().sum() / (truth - truth.mean()).square().sum())
                 .item<double>();
}

TypicalShares typical_shares(const Tensor& x, const Tensor& y) {
  const auto real = x.to(torch::kFloat64), synthetic = y.to(torch::kFloat64);
  const auto alphas = torch::linspace(0, 1, kAlphas, torch::kFloat64);
  const auto centre = real.mean(0);
  const auto radii = (real - centre).norm(2, 1).quantile(alphas);
  const auto outer = (synthetic - centre).norm(2, 1);
  const Nearest among(real, real, true), across(real, synthetic, false);
  const auto inner = (synthetic.index_select(0, across.row) - synthetic.mean(0)).norm(2, 1);
  return {
      curve_score(alphas, shares_within(outer, torch::ones_like(outer).to(torch::kBool), radii)),
      curve_score(alphas,
                  shares_within(inner, across.distance <= among.distance, inner.quantile(alphas)))};
}

}  // namespace elbo
