#pragma once

#include <compare>
#include <functional>

#include "elbo/core/tensor.h"

namespace elbo {

/// Probabilities [m, K] of the rows `asked` [m], by the labels of the rows `told`: both int64
/// places.
using GuessByLabels = std::function<Tensor(const Tensor& told, const Tensor& asked)>;

/// How a way to use labels does where they are not told.
struct FoldErrors {
  double wrong = 1;  // share of labelled rows whose class is guessed wrong
  double doubt = 1;  // mean of what their true class lacks to probability 1
  /// Of ways that are wrong equally often, which with few labels is not rare, the one with less
  /// doubt is better.
  auto operator<=>(const FoldErrors&) const = default;
};

/// By five folds of the rows with a label (y [n] >= 0), the same for the same number of them: which
/// way suits the rows, without a look at any other row's label. Raises an Error where fewer than
/// two rows have one.
FoldErrors errors_by_folds(const Tensor& y, const GuessByLabels& guess);

}  // namespace elbo
