#pragma once

#include "elbo/model/latent.h"

namespace elbo {

/// A latent that also learns which cells are missing.
class KnowsMissing {
 public:
  virtual ~KnowsMissing() = default;
  /// [n, D] probability that each cell of rows with these codes is missing; undefined where
  /// training rows had all their cells.
  virtual Tensor missing(const Trace& trace) const = 0;
};

}  // namespace elbo
