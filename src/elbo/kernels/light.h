#pragma once

#include <ATen/EmptyTensor.h>

#include "elbo/kernels/choice.h"

// What small tensors are asked for at every step, without the dispatcher, which costs more than
// the answer.

namespace elbo {

/// Uninitialised, dense, float32, on the CPU. A recording does not see it.
inline Tensor empty_floats(torch::IntArrayRef shape) {
  return Tensor(at::detail::empty_cpu(shape, torch::kFloat32));
}

/// t with the type and the device of `like`.
inline Tensor as_kind_of(const Tensor& like, const Tensor& t) {
  const bool same = t.scalar_type() == like.scalar_type() && t.device() == like.device();
  return same ? t : t.to(like.options());
}

/// The number that a tensor of one element holds.
inline double number_in(const Tensor& t) {
  return is_cpu_float(t) && t.numel() == 1 ? *t.data_ptr<float>() : t.item<double>();
}

}  // namespace elbo
