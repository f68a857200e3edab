#pragma once

#include "elbo/core/tensor.h"
#include "elbo/kernels/activation.h"

namespace elbo {

// One pass each over row-major float32 [m, n]: activations, their derivatives, column sums.

/// Whether the derivative follows from the output alone.
bool derivative_from_output(Activation activation);

/// a = activation(a + bias) in place, for the activations that have it; bias may be null.
bool has_pointwise_forward(Activation activation);
void pointwise_forward(Activation activation, const float* bias, float* a, int64_t m, int64_t n);

/// The gradient before the activation. `a` holds the output where the derivative follows from it,
/// else the values before the activation (what gated_forward left where gated). db, where not
/// null, = or += the column sums of the result, of size n (2n where gated).
Tensor activation_gradient(Activation activation, const Tensor& grad, const Tensor& a, int64_t m,
                           int64_t n, float* db, bool add_db);

/// a: [m, 2n] = [h | g]: leaves sigmoid(g) in its right half, y: [m, n] = h * sigmoid(g).
void gated_forward(float* a, float* y, int64_t m, int64_t n);

}  // namespace elbo
