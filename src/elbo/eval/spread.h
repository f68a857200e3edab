#pragma once

#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

/// Rows beyond which the graph of neighbours takes too long: its time grows with their square.
constexpr int64_t kMostSpread = 200000;

/// Few labels carried along a graph to all rows: the classes of codes x [n, d], of which y [n]
/// names some (>= 0), as [n, classes] probabilities (Zhou et al. 2004, "Learning with local and
/// global consistency"). Each row is tied to its `neighbours` nearest; classes are taken to come
/// equally often. `views` [n, d] are codes of the same rows seen otherwise: a row is as near to
/// another as its nearest view. Raises an Error where no row has a label, or there are too many.
Tensor spread_labels(const Tensor& x, const Tensor& y, int64_t classes, int64_t neighbours = 7,
                     const std::vector<Tensor>& views = {});

/// `guesses` [n, K] as labels [n]: of the rows guessed to be of a class the surest `share`, the
/// others -1.
Tensor surest(const Tensor& guesses, double share);

}  // namespace elbo
