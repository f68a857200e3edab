#pragma once

#include <string>
#include <vector>

#include "elbo/eval/drift.h"
#include "elbo/eval/row_score.h"
#include "elbo/eval/threshold.h"

namespace elbo {

/// A batch of rows spread over all of them.
Batch rows_over_all(const Dataset& data, const Draw& draw);

/// Looks at rows while they are judged, and says where they are unlike those of the training.
class DriftWatch {
 public:
  /// `levels`: of the columns of training rows; empty where these are not known. All are to outlive
  /// it.
  DriftWatch(const Dataset& data, const RowScorer& scorer, const ColumnLevels& levels,
             const Draw& draw);
  /// Rows of a batch, whose first is the data's row `first`.
  void add(const Batch& batch, const RowScorer::Judged& judged, int64_t first);

  /// The verdicts on all rows.
  struct Judged {
    const std::vector<double>& scores;
    const std::vector<int64_t>& labels;  // 1 = anomaly, 0 = normal, -1 = unknown
  };
  /// What says that the promise of a threshold may not hold, "" = nothing. `reference` [R]: scores
  /// of normal rows.
  std::string note(const Judged& all, const Tensor& reference, const Threshold& threshold) const;

 private:
  std::string drift(const Judged& all, const Tensor& reference) const;
  std::string most_in() const;

  const Dataset& data_;
  const RowScorer& scorer_;
  const ColumnLevels& levels_;
  const Draw draw_;
  bool by_column_;
  int64_t stride_;
  std::vector<Tensor> parts_, numbers_;  // [rows, …] of the scores and of the columns
};

}  // namespace elbo
