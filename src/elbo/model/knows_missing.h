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

/// [n, D] bool: a draw of which cells are missing; undefined where the latent knows nothing of it.
inline Tensor draw_missing(const Latent& latent, const Trace& trace) {
  const auto* knows = dynamic_cast<const KnowsMissing*>(&latent);
  const auto p = knows ? knows->missing(trace) : Tensor();
  return p.defined() ? torch::rand_like(p) < p : p;
}

}  // namespace elbo
