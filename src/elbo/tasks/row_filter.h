#pragma once

#include <string>
#include <vector>

#include "elbo/data/column.h"
#include "elbo/data/dataset.h"

namespace elbo {

/// Conditions that rows of a table are held to: "age>60", "city=Rome,income>=50000".
class RowFilter {
 public:
  /// Raises an Error naming the columns or values that are known.
  RowFilter(const std::string& text, const Schema& schema);
  /// [n] bool for values [n, D]: which rows meet all conditions.
  Tensor keeps(const Tensor& values) const;
  /// The row that conditions with = name: values [1, D], and as the mask which columns they fix.
  Batch fixed() const;
  /// [1, D] bool: the columns that conditions speak of.
  Tensor named() const;

 private:
  struct Condition {
    int64_t column;
    std::string relation;
    double value;
    double unit;  // to which the column is rounded when it is written
  };
  std::vector<Condition> conditions_;
  int64_t columns_ = 0;
};

}  // namespace elbo
