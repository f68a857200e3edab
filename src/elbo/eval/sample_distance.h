#pragma once

#include "elbo/core/tensor.h"

// How far two samples are from each other, x [n, d] the data and y [m, d] what a model made. All in
// float64; a figure belongs to its feature space and to n and m.

namespace elbo {

/// Fréchet distance of the normals fitted to both (Heusel et al. 2017, arXiv:1706.08500):
/// |m1 - m2|² + Tr(S1 + S2 - 2 (S1 S2)^½), covariances divided by n - 1.
double frechet_distance(const Tensor& x, const Tensor& y);

/// Squared discrepancy of the kernel (a·b/d + 1)³, unbiased: it may be negative (Bińkowski et al.
/// 2018, arXiv:1801.01401).
double kernel_distance(const Tensor& x, const Tensor& y);

/// Shares of one sample that lie where the other is, by balls to the k-th neighbour.
struct Coverage {
  double precision = 0, recall = 0;  // Kynkäänniemi et al. 2019, arXiv:1904.06991
  double density = 0, coverage = 0;  // Naeem et al. 2020, arXiv:2002.09797
};
Coverage neighbour_coverage(const Tensor& x, const Tensor& y, int64_t k);

/// [n, m] squared Euclidean distances.
Tensor squared_distances(const Tensor& a, const Tensor& b);

}  // namespace elbo
