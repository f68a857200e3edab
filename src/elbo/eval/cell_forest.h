#pragma once

#include "elbo/data/dataset.h"
#include "elbo/eval/forest.h"
#include "elbo/eval/label_folds.h"

namespace elbo {

/// Whether rows are lists of numbers or cells, each of which says something by itself: no pictures,
/// series or texts.
bool are_cells(const Schema& x);
/// [N, F] cells of all rows, classes as numbers, NaN where one is missing.
Tensor cells_of(const Dataset& data, const Draw& draw);
/// A forest by the labels y [n] of rows of cells [n, F], or of 2,000 of them: more would take long.
Forest forest_of_cells(const Tensor& cells, const Tensor& y, int64_t classes);
/// How such forests do on rows with a label (y >= 0) that they are not told.
FoldErrors errors_of_forest(const Tensor& cells, const Tensor& y, int64_t classes);

}  // namespace elbo
