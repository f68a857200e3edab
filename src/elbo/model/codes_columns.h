#pragma once

#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

/// Classes of D columns along a tree, as the logarithms that a latent learns.
struct ColumnClasses {
  std::vector<int64_t> parent;  // of each column, -1 of the root
  Tensor root;                  // [H], up to a constant
  Tensor links;                 // [D, H, H], each row up to a constant; not read at the root
  Tensor missing;               // [D, H] log odds that a cell is missing; undefined = not known
};

/// A latent whose classes are summed out exactly, so that columns can be coded one after the other
/// by what the earlier ones say of them. The code of a class is one-hot, [D, H].
class CodesColumns {
 public:
  virtual ~CodesColumns() = default;
  virtual ColumnClasses column_classes() const = 0;
};

}  // namespace elbo
