#pragma once

#include <cstdint>

namespace elbo {

/// Bytes that a file may unpack to in memory: half of what is available to this process by the
/// system, its control group and its limits, at most 64 GB; the variable ELBO_MEMORY (in GB) sets
/// another bound. Asked anew at each call.
int64_t most_unpacked();

}  // namespace elbo
