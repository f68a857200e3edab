#pragma once

#include "elbo/core/options.h"
#include "elbo/core/tensor.h"

namespace elbo {

// How well scores find anomalies. scores: [N], higher is more anomalous; labels: [N], 1 = anomaly,
// 0 = normal; alarms: [N] bool.

/// Share of pairs of an anomaly and a normal row that the scores order rightly; ties count half.
/// NaN where one of the two classes is absent.
double auroc(const Tensor& scores, const Tensor& labels);
/// Mean over thresholds of the precision, weighted by the gain in recall; tied scores share one
/// threshold. NaN without anomalies.
double average_precision(const Tensor& scores, const Tensor& labels);

struct Detection {
  double precision = 0, recall = 0;
  double f1() const {
    return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
  }
};
/// Each row for itself; no alarm within a range of anomalies is lent to its neighbours.
Detection detect_points(const Tensor& alarms, const Tensor& labels);
/// Precision of rows, recall of ranges: a range of consecutive anomalies is found where one of its
/// rows is (the composite score of Garg et al. 2021, arXiv:2109.11428).
Detection detect_ranges(const Tensor& alarms, const Tensor& labels);

/// The scores at a threshold (an alarm is a score above it) beside the same scores in random order
/// and a judge that always says yes: {name, auroc, average_precision, precision, recall, f1,
/// f1_ranges} each.
Json judge_scores(const Tensor& scores, const Tensor& labels, double threshold);

}  // namespace elbo
