#pragma once

#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

/// A tree over columns: parent[j] of each, -1 of the root; `order` has parents before children.
struct ColumnTree {
  std::vector<int64_t> parent, order;
};

/// The tree along which neighbours tell most of each other (Chow & Liu 1968): mutual information of
/// columns cut into at most 32 levels, missing cells one of them. x [N, D]; known [N, D] bool.
ColumnTree chow_liu_tree(const Tensor& x, const Tensor& known);

/// A chain: column after column.
ColumnTree chain_of_columns(int64_t columns);
/// The tree with these parents. Raises an Error where they are none.
ColumnTree tree_of_parents(std::vector<int64_t> parent);

}  // namespace elbo
