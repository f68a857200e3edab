#pragma once

#include <ATen/TracerMode.h>

namespace elbo {

/// Whether this thread's operations are being recorded, as export does. A record sees ATen's own
/// operations alone, so fused kernels then step aside.
inline bool being_recorded() { return at::tracer::impl::is_dispatch_enabled(); }

}  // namespace elbo
