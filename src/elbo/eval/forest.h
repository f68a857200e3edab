#pragma once

#include "elbo/core/tensor.h"

namespace elbo {

/// A random forest (Breiman 2001): trees on rows drawn with replacement, of √F features tried at
/// each split the one with the lowest Gini impurity, grown until leaves are pure. It needs no scale
/// of numbers and learns from a handful of rows.
class Forest {
 public:
  /// x [n, F], NaN where a value is missing, which counts as less than any number; y [n] int64
  /// classes 0 … K-1.
  Forest(const Tensor& x, const Tensor& y, int64_t classes);
  /// What nodes() of another gave. Raises an Error where it is none.
  explicit Forest(const Tensor& nodes);

  /// [m, K] the mean over trees of the shares of classes in the leaf that a row falls into.
  Tensor probabilities(const Tensor& x) const;
  int64_t classes() const;
  /// [N, 4 + K] float32, to be kept: tree, feature (-1 = a leaf), threshold, place of the node for
  /// larger values, shares of classes. The node for other values follows its parent.
  const Tensor& nodes() const { return nodes_; }

 private:
  Tensor nodes_;
};

}  // namespace elbo
