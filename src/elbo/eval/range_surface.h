#pragma once

#include "elbo/core/tensor.h"

namespace elbo {

/// Volumes under the surfaces of ROC and precision-recall curves over buffers around ranges of
/// anomalies: a score that rises a little early or late still counts.
struct RangeSurface {
  double roc = 0, pr = 0;
};
/// For rows in the order of time, labels 1 in anomalies; buffers of 0 to `window` rows in all, 250
/// thresholds (Paparrizos et al. 2022; Liu & Paparrizos 2024, TSB-AD's VUS-ROC and VUS-PR). NaN
/// without anomalies or without other rows.
RangeSurface range_surface(const Tensor& scores, const Tensor& labels, int64_t window);

}  // namespace elbo
