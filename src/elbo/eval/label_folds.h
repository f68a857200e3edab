#pragma once

#include <functional>

#include "elbo/core/tensor.h"

namespace elbo {

/// Classes [m] of the rows `asked` [m], by the labels of the rows `told`: both int64 places.
using GuessByLabels = std::function<Tensor(const Tensor& told, const Tensor& asked)>;

/// Share of rows with a label (y [n] >= 0) whose class is guessed wrong where theirs is not told,
/// by five folds, the same for the same number of labels: which way suits the rows, without a look
/// at any other row's label. Raises an Error where fewer than two rows have one.
double wrong_by_folds(const Tensor& y, const GuessByLabels& guess);

}  // namespace elbo
