#pragma once

#include <memory>

#include "elbo/data/dataset.h"

namespace elbo {

/// What data and what a model makes of them have in common, over all rows that were added.
class Comparison {
 public:
  virtual ~Comparison() = default;
  virtual void add(const Batch& data, const Tensor& made) = 0;
  /// Figures by name.
  virtual Json figures() const = 0;
};
/// Squared errors of numbers; of the columns of a table errors in their own measure; of texts exact
/// matches, token accuracy and edit distance.
std::unique_ptr<Comparison> make_comparison(const Schema& schema);

}  // namespace elbo
