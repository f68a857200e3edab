#pragma once

#include <functional>

#include "elbo/core/tensor.h"

// Maps of codes [n, d] in the plane, [n, 2].

namespace elbo {

/// [d, 2] unit vectors along which rows [n, d] of mean zero vary most; [d, 1] where d = 1. Of very
/// long rows: their two most varying components.
Tensor principal_axes(const Tensor& centred);

/// Looks for the number, between -30 and 30, from which on `beyond` is true [n, 1] of each row: 50
/// bisections, all rows at once. What is sought is what `beyond` was shown last.
void bisect_rows(int64_t n, const std::function<Tensor(const Tensor& middle)>& beyond);

/// The first two principal components; a missing second one is zero.
Tensor principal_map(const Tensor& x);

/// t-SNE (van der Maaten & Hinton 2008), exact: n² a step. It begins at the principal map, so the
/// same codes give the same picture.
Tensor neighbour_map(const Tensor& x, double perplexity = 30, int64_t steps = 350);

/// UMAP (McInnes, Healy & Melville 2018, arXiv:1802.03426), exact: n² a step, with the expected in
/// place of drawn repulsion. It, too, begins at the principal map and gives the same picture again.
Tensor fuzzy_map(const Tensor& x, int64_t neighbours = 15, int64_t steps = 200);

}  // namespace elbo
