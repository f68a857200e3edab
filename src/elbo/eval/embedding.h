#pragma once

#include "elbo/core/tensor.h"

// Maps of codes [n, d] in the plane, [n, 2].

namespace elbo {

/// The first two principal components; a missing second one is zero.
Tensor principal_map(const Tensor& x);

/// t-SNE (van der Maaten & Hinton 2008), exact: n² a step. It begins at the principal map, so the
/// same codes give the same picture.
Tensor neighbour_map(const Tensor& x, double perplexity = 30, int64_t steps = 350);

}  // namespace elbo
