#pragma once

#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

/// Rows of different lengths as one matrix: the first step of all rows, then the second step of
/// those that have one, …. Rows stand in order of falling length, so that step t is that of the
/// first rows()[t] of them. A few entries more than needed stand at the end of steps and of all,
/// so that sizes repeat from batch to batch; what comes of them is arbitrary.
class Packing {
 public:
  /// lengths: [B] int64, each between 1 and steps.
  Packing(const Tensor& lengths, int64_t steps);

  int64_t batch() const { return order_.size(0); }
  int64_t steps() const { return steps_; }
  /// Rows of a packed tensor.
  int64_t size() const { return places_.size(0); }
  /// Rows that go on at each step, falling.
  const std::vector<int64_t>& rows() const { return rows_; }

  /// [B, …] -> [B, …] by falling length.
  Tensor sorted(const Tensor& x) const { return x.index_select(0, on(order_, x)); }
  /// [B, steps, …] -> [size, …]
  Tensor packed(const Tensor& x) const;
  /// The same where each row is read from its end to its beginning.
  Tensor packed_backwards(const Tensor& x) const;
  /// [size, …] -> [B, steps, …]; zero or arbitrary behind the end of a row.
  Tensor padded(const Tensor& y) const;
  /// [size, …] -> [B, …], what stands at the last step of each row.
  Tensor last(const Tensor& y) const { return y.index_select(0, on(last_, y)); }
  /// [size, …] -> [B, …], the mean over the steps of each row.
  Tensor mean(const Tensor& y) const;

 private:
  static Tensor on(const Tensor& index, const Tensor& like) { return index.to(like.device()); }

  int64_t steps_, entries_ = 0;
  std::vector<int64_t> rows_;
  Tensor order_, lengths_;     // [B]
  Tensor places_, backwards_;  // [size] of an entry in [B * steps]
  Tensor last_;                // [B] entry
  Tensor row_, weight_;        // [size] row of an entry, 1 / its length or 0
};

}  // namespace elbo
