#pragma once

#include "elbo/data/dataset.h"

namespace elbo {

/// The same rows with a mask; in the epochs of a training (draws of epoch 0 are none) cells are
/// hidden from everything that reads them: a row hides nothing, or, with probability 2 * share, a
/// share of its cells that is drawn from all shares alike. `share`: of all cells, at most 1/2.
/// A model that is to fill cells has then seen rows of which little or nothing is known.
Data with_hidden_cells(Data data, double share);

}  // namespace elbo
