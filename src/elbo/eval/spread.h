#pragma once

#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

/// Rows beyond which the graph of neighbours takes too long: its time grows with their square.
constexpr int64_t kMostSpread = 200000;

/// Codes x [n, d] as a graph in which each row is tied to its `neighbours` nearest. `views` [n, d]
/// are codes of the same rows seen otherwise: a row is as near to another as its nearest view.
/// Raises an Error where rows are too few, or too many.
class CodeGraph {
 public:
  explicit CodeGraph(const Tensor& x, int64_t neighbours = 7,
                     const std::vector<Tensor>& views = {});
  /// Few labels carried along the ties to all rows: y [n] names some (>= 0); [n, classes]
  /// probabilities (Zhou et al. 2004, "Learning with local and global consistency"). Classes are
  /// taken to come equally often. Raises an Error where no row has a label.
  Tensor carried(const Tensor& y, int64_t classes) const;

 private:
  Tensor ties_;  // [n, n] sparse
};

/// The same in one call.
Tensor spread_labels(const Tensor& x, const Tensor& y, int64_t classes, int64_t neighbours = 7,
                     const std::vector<Tensor>& views = {});

/// `guesses` [n, K] as labels [n]: of the rows guessed to be of a class the surest `share`, the
/// others -1.
Tensor surest(const Tensor& guesses, double share);

}  // namespace elbo
