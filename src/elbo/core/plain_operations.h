#pragma once

#include <ATen/TracerMode.h>

namespace elbo {

namespace detail {
inline thread_local bool plain_operations = false;
}

/// While one lives that is on, this thread's fused kernels step aside for ATen's own operations:
/// the same model on plain libtorch, to compare with, and what is to be differentiated twice, which
/// is ATen's anyhow: fused first, it would run twice.
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

/// Whether fused kernels step aside: also while operations are being recorded, as export does,
/// since a record sees ATen's alone.
inline bool plain_operations() {
  return detail::plain_operations || at::tracer::impl::is_dispatch_enabled();
}

}  // namespace elbo
