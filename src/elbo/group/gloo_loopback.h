#pragma once

#include <cstdint>

namespace elbo {

/// Keeps a port of this process that listens on all interfaces to the loopback one: c10d's store
/// has no say in where it listens. False where the kernel does not allow it (before Linux 5.7).
bool keep_to_loopback(int64_t port);

}  // namespace elbo
