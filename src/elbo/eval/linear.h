#pragma once

#include "elbo/core/tensor.h"

// Simple readers of codes, each fitted to its optimum, so that a score depends on the codes alone.
// x [n, d]; y [n] int64 classes 0 … K-1.

namespace elbo {

/// What brings features to mean 0 and deviation 1, each by itself; constant ones stay finite.
struct Scaling {
  Tensor mean, deviation;  // [d]
  explicit Scaling(const Tensor& x) : mean(x.mean(0)), deviation(x.std(0, false).clamp_min(1e-8)) {}
  Tensor operator()(const Tensor& x) const { return (x - mean) / deviation; }
};

/// Multinomial logistic regression: the sum of log losses plus |W|²/2, biases free (C = 1).
struct LogisticRegression {
  Tensor weight, bias;  // [d, K], [K] float64
  Tensor probabilities(const Tensor& x) const;
  Tensor predict(const Tensor& x) const;
};
LogisticRegression fit_logistic(const Tensor& x, const Tensor& y, int64_t classes);

/// [m] for each row of `x` the commonest class of the k nearest training rows; ties go to the
/// smaller class.
Tensor nearest_classes(const Tensor& train_x, const Tensor& train_y, const Tensor& x, int64_t k,
                       int64_t classes);

/// Linear machine of one feature, one against the rest: squared hinge, C = 0.01, classes balanced,
/// |(w, b)|²/2. Returns the predicted classes of `x` [m].
Tensor svm_classes(const Tensor& train_x, const Tensor& train_y, const Tensor& x, int64_t classes);

/// Share of equal elements.
double accuracy(const Tensor& predicted, const Tensor& y);

}  // namespace elbo
