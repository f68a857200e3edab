#pragma once

#include <memory>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/core/tensor.h"

namespace ELBO_API elbo {

/// While one lives, what this thread computes with tensors on the CPU is equal to the last bit on
/// every machine, for any number of threads and rows at once: products and sums are those of whole
/// numbers below 2^53, in any order the same; functions are those of exact/math.h; every other
/// operation is one that IEEE 754 rounds in one way only, or moves numbers. An Error names an
/// operation that has no such form. Without gradients, and some times slower.
class ExactArithmetic {
 public:
  /// `weights`: tensors that do not change while it lives; their whole numbers are kept.
  explicit ExactArithmetic(const std::vector<Tensor>& weights = {});
  ~ExactArithmetic();
  ExactArithmetic(const ExactArithmetic&) = delete;
  ExactArithmetic& operator=(const ExactArithmetic&) = delete;

 private:
  struct Scope;
  std::unique_ptr<Scope> scope_;
};

}  // namespace elbo
