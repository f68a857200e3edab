#pragma once

#include <vector>

#include "elbo/data/column.h"
#include "elbo/distributions/states.h"

namespace elbo {

/// Room for single values and cells of a column of numbers.
inline constexpr int64_t kSingles = 141, kCells = 512;

/// How finely numbers that are no single values are told apart: at most so many ranges of at least
/// so many rows each, and at most so many cells in each.
struct Fineness {
  int64_t ranges, rows, cells;
};
inline constexpr Fineness kCoarse{50, 50, 9}, kFine{400, 10, 1};

/// A space of these columns whose tensors have their sizes, and nothing learned yet.
StateSpace empty_space(const std::vector<Column>& columns, const Fineness& fineness = kCoarse);
/// The states of a column from its observed values [n], written into the space; how many rows each
/// state has, [V].
Tensor learn_states(const StateSpace& space, int64_t column, const Tensor& values,
                    const Fineness& fineness = kCoarse);

}  // namespace elbo
