#pragma once

#include "elbo/data/dataset.h"
#include "elbo/model/model.h"

namespace elbo {

/// [N, k] properties as the model tells them from posterior means, and as they are (NaN unknown).
struct Predictions {
  Tensor predicted, known;
};
Predictions predict_properties(Model& model, const Dataset& data, int64_t rows);

/// A table, one line per property: correlation of predicted and known values, mean absolute error,
/// rows; null where the model predicts nothing or the data know nothing. rows: 0 = all.
Json judge_predictions(Model& model, const Dataset& data, int64_t rows);

/// Pearson's, of the places where both are finite; NaN for fewer than two or constant values.
double correlation_of(const Tensor& a, const Tensor& b);

}  // namespace elbo
