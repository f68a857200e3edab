#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "elbo/core/error.h"
#include "elbo/data/column.h"

namespace elbo {

/// Classes of steps by the words of the file; those that a model knows come first.
class StepLabels {
 public:
  /// Runs of earlier versions know two classes, normal (0, normal, no, false) and anomaly.
  explicit StepLabels(const Schema* known) {
    if (!known || !known->present()) return;
    names_ = class_names(*known);
    two_ = !known->detail.contains("column") && names_.size() == 2;
  }
  int64_t of(std::string_view cell) {
    if (two_) {
      const auto number = parse_number(cell, true);
      if (number) return *number != 0;
      return cell != "normal" && cell != "no" && cell != "false" && cell != "False";
    }
    const auto at = std::find(names_.begin(), names_.end(), cell);
    if (at != names_.end()) return at - names_.begin();
    constexpr size_t kMost = 1000;
    check(names_.size() < kMost, "more than ", kMost, " different labels");
    names_.emplace_back(cell);
    return static_cast<int64_t>(names_.size()) - 1;
  }
  const std::vector<std::string>& names() const { return names_; }
  bool two() const { return two_; }

 private:
  std::vector<std::string> names_;
  bool two_ = false;
};

}  // namespace elbo
