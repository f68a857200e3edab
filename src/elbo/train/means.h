#pragma once

#include <string>
#include <utility>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/model/objective.h"

namespace ELBO_API elbo {

/// The loss and its parts as numbers.
std::vector<std::pair<std::string, double>> numbers(const Terms& terms);

/// Means of the logged terms over some steps, in order of appearance.
class Means {
 public:
  void add(const std::vector<std::pair<std::string, double>>& terms, double weight);
  std::vector<std::pair<std::string, double>> values() const;
  Json save() const;
  void restore(const Json& saved);
  void clear() { *this = Means(); }
  /// Over the rows of all processes, where there is a group.
  void sum_over_group();

 private:
  std::vector<std::pair<std::string, double>> sums_;
  double weight_ = 0;
};

}  // namespace elbo
