#pragma once

#include <memory>
#include <string>

#include "elbo/data/schema.h"

namespace elbo {

/// The single numbers of a row, named and spelled as people read them.
class Components {
 public:
  virtual ~Components() = default;
  virtual std::string name(int64_t component) const = 0;
  /// "" where a cell or a token is missing (NaN).
  virtual std::string value(int64_t component, double value) const = 0;
  /// The same beyond the range of the training rows.
  virtual std::string true_value(int64_t component, double value) const {
    return this->value(component, value);
  }
};
std::unique_ptr<Components> components_of(const Schema& schema);

}  // namespace elbo
