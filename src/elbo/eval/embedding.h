#pragma once

#include "elbo/core/tensor.h"

// Maps of codes [n, d] in the plane, [n, 2].

namespace elbo {

/// [d, 2] unit vectors along which rows [n, d] of mean zero vary most; [d, 1] where d = 1. Of very
/// long rows: their two most varying components.
Tensor principal_axes(const Tensor& centred);

/// The first two principal components; a missing second one is zero.
Tensor principal_map(const Tensor& x);

/// t-SNE (van der Maaten & Hinton 2008), exact: n² a step. It begins at the principal map, so the
/// same codes give the same picture.
Tensor neighbour_map(const Tensor& x, double perplexity = 30, int64_t steps = 350);

}  // namespace elbo
