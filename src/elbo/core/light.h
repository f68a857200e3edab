#pragma once

#include <ATen/EmptyTensor.h>

#include "elbo/core/buffer_pool.h"
#include "elbo/core/tensor.h"

// What small tensors are asked for at every step, without the dispatcher, which costs more than
// the answer.

namespace elbo {

inline bool is_cpu_float(const Tensor& t) {
  return t.device().is_cpu() && t.scalar_type() == torch::kFloat32;
}

/// Uninitialised, dense, float32, on the CPU. A recording does not see it.
inline Tensor empty_floats(torch::IntArrayRef shape) {
  constexpr c10::DispatchKeySet cpu(c10::DispatchKey::CPU);
  return Tensor(at::detail::empty_generic(shape, buffer_pool(), cpu, torch::kFloat32, {}));
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
