#pragma once

#include "elbo/data/dataset.h"

namespace elbo {

/// Whether rows are lists of numbers or cells, each of which says something by itself: no pictures,
/// series or texts.
bool are_cells(const Schema& x);
/// [N, F] cells of all rows, classes as numbers, NaN where one is missing.
Tensor cells_of(const Dataset& data, const Draw& draw);

}  // namespace elbo
