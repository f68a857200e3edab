#pragma once

#include <vector>

namespace elbo {

/// The generalized Pareto distribution of what exceeds a high level (Pickands 1975).
struct Pareto {
  double scale = 1, shape = 0;
  double log_likelihood(const std::vector<double>& excesses) const;
  /// What is exceeded with probability p, 0 < p <= 1.
  double exceeded_with(double p) const;
};

/// What the next excess over a high level is above with probability p, 0 < p < 1, where excesses
/// follow a generalized Pareto distribution: averaged over its scale and shape as far as the
/// excesses leave them open, the best ones alone would promise too much. Shapes from 0
/// (exponential) to 2 are alike beforehand, scales on a log scale. Excesses are positive and at
/// least two differ.
double next_excess(const std::vector<double>& excesses, double p);

}  // namespace elbo
