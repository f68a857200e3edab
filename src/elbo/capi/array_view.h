#pragma once

#include "elbo/core/tensor.h"
#include "elbo/elbo.h"

namespace elbo::capi {

/// A tensor over the caller's memory. Raises an Error that names `what` for an array that makes no
/// sense.
Tensor tensor_over(const elbo_array& array, const char* what);
/// The same as a C-ordered float32 matrix [N, width]; copies where it must.
Tensor matrix_over(const elbo_array& array, int64_t width, const char* what);
/// A C-ordered tensor as the caller sees it.
elbo_array view_of(const Tensor& tensor);

}  // namespace elbo::capi
