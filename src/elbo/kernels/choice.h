#pragma once

#include <ATen/TracerMode.h>

#include "elbo/core/tensor.h"

// Fused or ATen: every kernel takes any tensors and asks here which of its two forms applies.

namespace elbo {

namespace detail {
inline thread_local bool plain_operations = false;
}

/// While one lives that is on, this thread's kernels take ATen's operations: to compare a model
/// with itself on plain libtorch, and around what is differentiated twice, since the gradient of a
/// fused gradient would compute the value again in ATen.
class PlainOperations {
 public:
  explicit PlainOperations(bool on = true) : before_(detail::plain_operations) {
    detail::plain_operations = before_ || on;
  }
  ~PlainOperations() { detail::plain_operations = before_; }
  PlainOperations(const PlainOperations&) = delete;
  PlainOperations& operator=(const PlainOperations&) = delete;

 private:
  bool before_;
};

/// Whether kernels take ATen's operations: also while operations are being recorded, as export
/// does, since a record sees ATen's alone.
inline bool plain_operations() {
  return detail::plain_operations || at::tracer::impl::is_dispatch_enabled();
}

/// What the fused forms compute with.
inline bool is_cpu_float(const Tensor& t) {
  return t.device().is_cpu() && t.scalar_type() == torch::kFloat32;
}

namespace kernels {

/// Whether fused forms apply to these elements, which lie densely.
inline bool fuses(const Tensor& t) {
  return t.defined() && is_cpu_float(t) && t.is_contiguous() && t.numel() > 0 &&
         !plain_operations();
}

/// Whether fused forms apply to these rows, which lie anywhere, each of them densely: a chunk of a
/// wider tensor qualifies.
inline bool fuses_rows(const Tensor& t) {
  if (!t.defined() || !is_cpu_float(t) || t.dim() < 2 || t.numel() == 0 || plain_operations()) {
    return false;
  }
  int64_t expected = 1;
  for (int64_t axis = t.dim() - 1; axis > 0; --axis) {
    if (t.size(axis) != 1 && t.stride(axis) != expected) return false;
    expected *= t.size(axis);
  }
  return true;
}
/// The same for two halves along the second axis.
inline bool fuses_halves(const Tensor& t) { return fuses_rows(t) && t.size(1) % 2 == 0; }
/// The same for a second operand that is shaped like the first.
inline bool fuses_like(const Tensor& t, const Tensor& first) {
  return fuses_rows(t) && t.sizes().equals(first.sizes());
}
/// The same for a mask, which may be absent.
inline bool fuses_mask(const Tensor& mask, const Tensor& first) {
  return !mask.defined() || fuses_like(mask, first);
}

}  // namespace kernels
}  // namespace elbo
