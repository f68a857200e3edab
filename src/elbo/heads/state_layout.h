#pragma once

#include <vector>

#include "elbo/data/column.h"
#include "elbo/distributions/states.h"

namespace elbo {

/// Room for single values, ranges and cells of a column of numbers.
inline constexpr int64_t kSingles = 141, kRanges = 50, kCells = 512;

/// A space of these columns whose tensors have their sizes, and nothing learned yet.
StateSpace empty_space(const std::vector<Column>& columns);
/// The states of a column from its observed values [n], written into the space; how many rows each
/// state has, [V].
Tensor learn_states(const StateSpace& space, int64_t column, const Tensor& values);

}  // namespace elbo
