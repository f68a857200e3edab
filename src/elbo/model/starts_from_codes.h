#pragma once

#include "elbo/core/tensor.h"

namespace elbo {

/// A part of a prior that is shown codes before it is first fitted to them, e.g. to standardise
/// them.
class StartsFromCodes {
 public:
  virtual ~StartsFromCodes() = default;
  /// codes: [rows, …], in a group of processes each one's own.
  virtual void start(const Tensor& codes) = 0;
};

}  // namespace elbo
