#pragma once

#include <vector>

#include "elbo/core/tensor.h"
#include "elbo/data/column.h"

// What SDMetrics' quality report says of a synthetic table (github.com/sdv-dev/SDMetrics): 1 where
// both tables agree, 0 where nothing does, NaN where a figure is undefined. Rows are [n, D] cells
// of raw_cells(), columns those of raw_columns().

namespace elbo {

/// [D] over the known cells: 1 - Kolmogorov and Smirnov's sup |F - G| of numbers, 1 - total
/// variation of classes; NaN where one of the tables knows none.
Tensor column_shapes(const Tensor& real, const Tensor& synthetic,
                     const std::vector<Column>& columns);

/// Which coefficient two columns of numbers are compared by.
enum class Correlation { kPearson, kSpearman };

/// [D, D], NaN on the diagonal. Two numbers: 1 - |r - s| / 2 over the rows that know both, NaN
/// where one of them is constant. Others: 1 - half the sum of differences of the shares of joint
/// states; a missing cell is a state of its own, and a number is in one of ten equal bins from the
/// smallest to the largest cell of its own table, with the largest and missing ones in an eleventh.
Tensor pair_trends(const Tensor& real, const Tensor& synthetic, const std::vector<Column>& columns);

/// [D, D] the first kind of pairs alone, by another coefficient; NaN elsewhere.
Tensor number_trends(const Tensor& real, const Tensor& synthetic,
                     const std::vector<Column>& columns, Correlation by);

/// [D, D] bool: pairs whose columns are related in a table, |r| above .5 or Cramér's V above .3
/// over the states of pair_trends(): the only ones that recent versions of the report count.
Tensor related_pairs(const Tensor& real, const std::vector<Column>& columns);

}  // namespace elbo
