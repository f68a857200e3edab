#pragma once

#include "elbo/core/api.h"
#include "elbo/core/tensor.h"

namespace ELBO_API elbo {

/// Which rows of a larger batch this process holds.
struct RowPart {
  int64_t first = 0, count = 0, total = 0;
};

/// Within its scope torch's random operations of this thread draw for the whole batch and keep what
/// belongs to this part, so that a row's noise depends on its place in the whole batch alone, and
/// the generator ends in the same state everywhere. Rows are the first axis, particles outermost
/// within it, or the second axis where the first is no multiple of `count`; draws of other shapes
/// are the same in every part.
class RowDraws {
 public:
  explicit RowDraws(const RowPart& part);
  ~RowDraws();
  RowDraws(const RowDraws&) = delete;
  RowDraws& operator=(const RowDraws&) = delete;

 private:
  RowPart before_;
  bool was_active_;
};

/// Within its scope all `rows` of a batch draw the noise that one row alone would draw, so that
/// what is computed of a row does not depend on the others. Draws whose law differs from row to row
/// (classes, gamma) are as they stand.
class SharedDraws {
 public:
  explicit SharedDraws(int64_t rows);
  ~SharedDraws();
  SharedDraws(const SharedDraws&) = delete;
  SharedDraws& operator=(const SharedDraws&) = delete;

 private:
  RowPart before_;
  bool was_active_;
};

/// Within its scope draws are as they stand, also inside RowDraws: for what concerns no rows.
class WholeDraws {
 public:
  WholeDraws();
  ~WholeDraws();
  WholeDraws(const WholeDraws&) = delete;
  WholeDraws& operator=(const WholeDraws&) = delete;

 private:
  bool was_active_;
};

}  // namespace elbo
