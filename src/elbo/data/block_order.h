#pragma once

#include <vector>

#include "elbo/data/dataset.h"

namespace elbo {

/// The order of an epoch: every row once, or as often as its weight asks for. Rows at hand are
/// shuffled as a whole; blocks of streamed rows are shuffled, then the rows of so many blocks among
/// each other that they make at least `window` rows, so that a disk reads neighbours together.
std::vector<int64_t> epoch_order(const Dataset& data, uint64_t key, int64_t window = 1 << 13);
/// The same as a tensor, int32 where wants_short_rows() says so.
Tensor epoch_rows(const Dataset& data, uint64_t key);
/// The same for rows 0 … n-1 in blocks that begin at `starts`.
std::vector<int64_t> block_order(const std::vector<int64_t>& starts, int64_t n, uint64_t key,
                                 int64_t window);

/// As many rows as there are weights, ascending, each as often as its weight asks for: rounded up
/// or down, by evenly spaced draws that the key moves.
std::vector<int64_t> rows_by_weight(const Tensor& weights, uint64_t key);

}  // namespace elbo
