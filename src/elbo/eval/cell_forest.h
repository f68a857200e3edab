#pragma once

#include "elbo/eval/forest.h"
#include "elbo/eval/label_folds.h"
#include "elbo/eval/row_cells.h"

namespace elbo {

/// A forest by the labels y [n] of rows of cells [n, F], or of 2,000 of them: more would take long.
Forest forest_of_cells(const Tensor& cells, const Tensor& y, int64_t classes);
/// How such forests do on rows with a label (y >= 0) that they are not told.
FoldErrors errors_of_forest(const Tensor& cells, const Tensor& y, int64_t classes);

}  // namespace elbo
