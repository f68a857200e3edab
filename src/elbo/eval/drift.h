#pragma once

#include <string>

#include "elbo/core/tensor.h"

namespace elbo {

/// Whether judged rows are of another kind than the reference rows, by where most of them lie: a
/// tenth of anomalies among them is none, and moves no quartile far.
struct Drift {
  bool found = false;
  double level = 0.5, above = 0.5;  // a share of the reference scores, and that of the judged ones,
                                    // above the same score
  std::string text() const;
};
Drift find_drift(const Tensor& scores, const Tensor& reference);
/// A level among reference scores, moved and scaled as the quartiles of the judged scores are.
double adapted_level(double level, const Tensor& scores, const Tensor& reference);

}  // namespace elbo
