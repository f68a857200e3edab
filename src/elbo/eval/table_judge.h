#pragma once

#include <vector>

#include "elbo/core/tensor.h"

// What gradient-boosted trees say of synthetic rows: x [n, F] features, NaN where missing.

namespace elbo {

/// How well trees tell two samples apart on rows that they were not fitted to.
struct ToldApart {
  double auc = 0;  // mean over folds
  Tensor gain;     // [F] share of what the splits on each feature brought, mean over folds
  /// 2 (1 - max(AUC, ½)): 1 = cannot be told apart, 0 = always (the classifier two-sample test).
  double c2st() const { return 2 * (1 - std::max(auc, 0.5)); }
};
/// folds: [n + m] int64 from 0, the fold in which each row of x and then of y is judged; each fold
/// must hold rows of both.
ToldApart tell_apart(const Tensor& x, const Tensor& y, const Tensor& folds);
/// [n + m] three folds at random, as many rows of each sample in each as there can be.
Tensor three_folds(int64_t n, int64_t m);

/// Area under the curve of classes against the rest, mean over the classes of `y` that occur, of
/// probabilities [n, K]; with two classes that of the second.
double class_auc(const Tensor& probabilities, const Tensor& y);
/// 1 - squared error / variance.
double explained(const Tensor& predicted, const Tensor& y);

/// Shares of synthetic rows within what is typical of real ones, and the other way round, by balls
/// around the mean that hold α of the rows, for 30 α from 0 to 1: 1 - Σ|α - share| / Σα. Real row i
/// is covered where a synthetic one is at least as near as the nearest other real one. x [n, F] the
/// real rows, y [n, F]; Euclidean distances, no embedding (Alaa et al. 2022, arXiv:2102.08921).
struct TypicalShares {
  double alpha_precision = 0, beta_recall = 0;
};
TypicalShares typical_shares(const Tensor& x, const Tensor& y);

}  // namespace elbo
