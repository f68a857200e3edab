#pragma once

#include "elbo/core/tensor.h"

namespace elbo {

/// Gradient-boosted classification trees (Friedman 2001) with the settings that the DCI score is
/// defined with: 100 stages, depth 3, rate 0.1, log loss, one tree a class and stage (one tree
/// where there are two classes). XGBoost's trees (boosted_forest.h) weigh splits by second
/// derivatives: they would give another score, and not in every build.
struct BoostedTrees {
  Tensor importance;  // [d], sums to 1 (0 where no tree found a split)
  Tensor predicted;   // [m] classes of the test rows
};
/// x [n, d]; y [n] classes 0 … K-1; test [m, d].
BoostedTrees boost_trees(const Tensor& x, const Tensor& y, const Tensor& test, int64_t classes);

}  // namespace elbo
