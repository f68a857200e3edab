#pragma once

#include <string>

#include "elbo/core/tensor.h"

// Distances between two samples x [n, d] and y [n, d], scalars.

namespace elbo {

/// Squared maximum mean discrepancy, unbiased (it may be negative); 0 where n is 1. Kernel "imq":
/// the sum over s in {.1, .2, .5, 1, 2, 5, 10} of C / (C + |a-b|^2), C = 2 s d variance (Tolstikhin
/// et al. 2018, arXiv:1711.01558); "rbf": the sum over the same s of exp(-|a-b|^2 / C). `variance`
/// is that of one dimension of the prior.
Tensor mmd(const Tensor& x, const Tensor& y, const std::string& kernel, double variance = 1);

/// Squared 2-Wasserstein distance of the projections on `slices` random directions, averaged
/// (Kolouri et al. 2019, arXiv:1804.01947).
Tensor sliced_wasserstein(const Tensor& x, const Tensor& y, int64_t slices);

}  // namespace elbo
