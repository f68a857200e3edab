#pragma once

#include <functional>

#include "elbo/nn/activation.h"

namespace elbo {

/// The smallest amount of elementwise work that is worth waking a second thread for.
constexpr int64_t kParallelElements = 1 << 15;

/// Splits [0, n) into one range per thread, at multiples of 16, where `work` elements pay for it.
void parallel_columns(int64_t n, int64_t work,
                      const std::function<void(int64_t from, int64_t to)>& f);

/// Whether the derivative follows from the output alone.
bool derivative_from_output(Activation activation);

/// da = g * activation'(y), all [m, n] row-major, and db [n] = or += the column sums of da.
/// da may be null for kNone (it is g); db may be null.
void pointwise_backward(Activation activation, const float* y, const float* g, float* da, float* db,
                        bool add_db, int64_t m, int64_t n);

/// a: [m, 2n] = [h | g]: leaves sigmoid(g) in its right half, y: [m, n] = h * sigmoid(g).
void gated_forward(float* a, float* y, int64_t m, int64_t n);
/// From what gated_forward left; da: [m, 2n], db: [2n] = or += column sums, or null.
void gated_backward(const float* a, const float* g, float* da, float* db, bool add_db, int64_t m,
                    int64_t n);

}  // namespace elbo
