#pragma once

#include "elbo/core/tensor.h"

namespace elbo {

/// A density that has judged training rows, each by the others: what is usual in it is known from
/// more rows than are held out.
class KnowsUsual {
 public:
  virtual ~KnowsUsual() = default;
  /// [R] float64 of its surprise; undefined = nothing was judged.
  virtual Tensor usual() const = 0;
};

}  // namespace elbo
