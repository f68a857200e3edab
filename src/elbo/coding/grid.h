#pragma once

#include <string>
#include <vector>

#include "elbo/coding/ans.h"
#include "elbo/coding/symbols.h"

namespace elbo {

constexpr int kGridBits = 16, kPosteriorBits = 28;

/// Numbers with a normal prior, cut into 2^kGridBits cells of equal mass under it; a value is the
/// middle of its cell (Townsend et al. 2019, arXiv:1901.04866).
class NormalGrid {
 public:
  /// Whether p is a normal distribution of each number.
  static bool suits(const Distribution& p);
  /// Raises an Error naming the site where p is not a normal distribution of `shape`, rows
  /// included.
  NormalGrid(const std::string& site, const Dist& p, const Shape& shape);

  /// The cell of each number off the stack, by a normal q; [shape] int32. `key`: of a stream of
  /// turns.
  Tensor pop(const Distribution& q, uint64_t key, AnsStack& from) const;
  /// What puts these cells back: in the order in which pop() took them, of 2^kPosteriorBits.
  std::vector<Interval> intervals(const Distribution& q, uint64_t key, const Tensor& cells) const;
  /// [shape] float32
  Tensor values(const Tensor& cells) const;

  /// Cells under p itself, where all are alike.
  Tensor read(AnsStack& from) const;
  static void push(AnsStack& to, const Tensor& cells);

 private:
  Shape shape_;
  Tensor loc_, scale_;  // float64
};

}  // namespace elbo
