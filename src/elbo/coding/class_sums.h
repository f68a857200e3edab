#pragma once

#include <vector>

#include "elbo/model/codes_columns.h"

namespace elbo {

/// [n] probabilities by logarithms, none below 1e-60.
std::vector<double> exact_softmax(const float* logits, size_t n);

/// Sums over the classes of a tree's columns while cells become known, column after column from the
/// root down. In float64 and in one order, so that every machine has the same bits;
/// no number is so small that machines differ in how they hold it.
class ClassSums {
 public:
  explicit ClassSums(const ColumnClasses& of);
  size_t classes() const { return classes_; }
  /// Columns in the order in which they become known: each directly behind its parent's earlier
  /// branches.
  const std::vector<size_t>& order() const { return order_; }

  /// Nothing is known.
  void begin();
  /// [classes] p(class of the i-th column of the order | cells known so far).
  const double* expected(size_t i);
  /// What the cell of that column says: [classes] p(cell | class) times anything.
  void know(size_t i, const double* cell);

 private:
  double* of(std::vector<double>& all, size_t column) { return all.data() + column * classes_; }
  void close(size_t column);

  size_t classes_;
  std::vector<int64_t> parent_;
  std::vector<size_t> order_;
  std::vector<std::vector<size_t>> closed_before_;  // by place in the order: finished branches
  std::vector<double> root_, down_, up_;            // up_: each [classes, classes] turned
  std::vector<double> above_, below_, belief_;      // [D, classes]
};

}  // namespace elbo
