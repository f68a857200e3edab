#pragma once

#include "elbo/core/tensor.h"

namespace elbo {

/// The numbers of one update: Adam with the bias corrections folded into step and root_scale.
struct UpdateFactors {
  bool adamax = false;
  float scale = 1;  // of the gradient: clipping or normalisation
  float beta1 = 0, beta2 = 0, step = 0, root_scale = 1, epsilon = 0, l2 = 0, decoupled = 0;
  float keep = 0;  // of the average; 0 = none
};
/// Flat buffers of equal size; `average` may be undefined, and `low`, a copy of the values in
/// bfloat16.
struct UpdateTensors {
  Tensor value, gradient, first, second, average;
  Tensor low = {};
};
/// Updates moments, values and average at [from, to), and leaves the gradient zero there: in one
/// pass over memory on the CPU, by ATen's operations on other devices.
void update(const UpdateTensors& t, const UpdateFactors& f, int64_t from, int64_t to);
/// The same over all of them by ATen's operations.
void update_by_operations(const UpdateTensors& t, const UpdateFactors& f);

}  // namespace elbo
