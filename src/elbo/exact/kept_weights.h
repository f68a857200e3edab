#pragma once

#include <functional>
#include <map>
#include <unordered_set>
#include <vector>

#include "elbo/exact/fixed_point.h"

namespace elbo::exact {

/// Whole numbers of tensors that do not change, made once each.
class KeptWeights {
 public:
  /// Those of this thread's ExactArithmetic; null outside of one.
  static KeptWeights*& current();

  explicit KeptWeights(const std::vector<Tensor>& weights);
  /// fixed_point(rows_of(of), bits), kept where `of` is a weight or a view of one.
  FixedPoint get(const Tensor& of, int bits, const std::function<Tensor(const Tensor&)>& rows_of);

 private:
  using Key = std::vector<int64_t>;  // address, bits, sizes, strides
  std::unordered_set<const void*> storages_;
  std::vector<Tensor> held_;
  std::map<Key, FixedPoint> made_;
};

}  // namespace elbo::exact
