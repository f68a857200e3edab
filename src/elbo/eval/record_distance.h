#pragma once

#include <vector>

#include "elbo/core/tensor.h"
#include "elbo/data/column.h"

namespace elbo {

/// [n] distance of each row to the closest record of `known` [m, D], in the field's measure
/// ("DCR"): the sum over columns of |a - b| / range for numbers and of 2 where classes differ; a
/// missing cell lies 1 or 2 from a known one and 0 from a missing one. Cells are those of
/// raw_cells(); the range is that of the rows `training`.
Tensor record_distances(const Tensor& rows, const Tensor& known, const Tensor& training,
                        const std::vector<Column>& columns);

/// Share of rows that lie nearer to the first sample than to the second; ties count half. Both
/// samples must have as many rows, else the larger one is nearer by chance.
double share_nearer(const Tensor& to_first, const Tensor& to_second);

}  // namespace elbo
