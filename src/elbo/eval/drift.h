#pragma once

#include <string>

#include "elbo/data/dataset.h"

namespace elbo {

/// Where the numbers of each column usually lie: the values that a half, a quarter and a tenth of
/// them lie above, the same below, and the shares that do, which ties make smaller.
struct ColumnLevels {
  Tensor at, shares;  // [6, D] float64; three from above, then three from below
  Tensor count;       // [1, D] known numbers

  /// Of numbers [n, D]; NaN where there is none.
  static ColumnLevels of(const Tensor& numbers);
  /// As one tensor, to be kept: [13, D].
  Tensor packed() const { return torch::cat({at, shares, count}); }
  static ColumnLevels unpacked(const Tensor& packed, int64_t columns);
};

/// Whether the columns of these rows have levels of their own: cells of tables and vectors, where
/// rows do not follow each other in time.
bool has_levels(const Dataset& data);

/// Whether judged rows are of another kind than the reference rows, by where most of their numbers
/// lie: a tenth of anomalies among them is none, and neither is chance.
struct Drift {
  bool found = false;
  int64_t column = 0;
  bool above = true;            // beyond `at` means above it
  double at = 0;                // one of the usual levels
  double usual = 0.5, now = 0;  // shares of the reference rows and of the judged ones beyond it

  /// "43 % of the rows"
  std::string now_text() const;
  std::string usual_text() const;
};
Drift find_drift(const Tensor& numbers, const ColumnLevels& usual);
/// Whether so many alarms are beyond 1.4 times the promised share of rows and beyond chance.
bool more_than_promised(int64_t alarms, int64_t rows, double promised);
/// A level among reference scores, moved and scaled as the quartiles of the judged scores are.
double adapted_level(double level, const Tensor& scores, const Tensor& reference);

}  // namespace elbo
