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
/// within it, unless RowAxis or WholeDraws says otherwise; a draw whose axis of rows is not a
/// multiple of `count` is the same in every part.
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

/// Within its scope rows are this axis of what is drawn: 1 for noise of shape [S, B, d].
class RowAxis {
 public:
  explicit RowAxis(int64_t axis);
  ~RowAxis();
  RowAxis(const RowAxis&) = delete;
  RowAxis& operator=(const RowAxis&) = delete;

 private:
  int64_t before_;
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
