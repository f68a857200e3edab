#pragma once

#include <vector>

#include "elbo/core/tensor.h"
#include "elbo/data/column.h"

// How far two tables are apart. Rows are [n, D] values as the columns read them, NaN where a cell
// is missing; grades, categories and yes/no are the numbers of their classes.

namespace elbo {

/// [D] over the cells that are known: of numbers Kolmogorov and Smirnov's sup |F - G|, of classes
/// the total variation ½ Σ |p - q|; 1 where one table knows none of a column's cells, 0 where
/// neither.
Tensor marginal_distances(const Tensor& a, const Tensor& b, const std::vector<Column>& columns);

/// [D, D] over the rows that know both cells: Pearson's correlation of numbers, correlation ratio η
/// of a number given classes, Cramér's V of classes; 0 where one of them does not vary, 1 on the
/// diagonal.
Tensor associations(const Tensor& x, const std::vector<Column>& columns);

/// [n] Gower's distance of each row to the closest of `known` [m, D]: the mean over the cells that
/// both know of |a - b| / range for numbers and grades, a ≠ b for other classes; 1 where they share
/// none. The range is that of `known`.
Tensor closest_distances(const Tensor& rows, const Tensor& known,
                         const std::vector<Column>& columns);

/// [n, F] what a linear model reads: classes one-hot, numbers in deviations from the mean of
/// `reference`; zeros where a cell is missing. The column `target` is left out.
Tensor table_features(const Tensor& x, const Tensor& reference, const std::vector<Column>& columns,
                      int64_t target);

}  // namespace elbo
