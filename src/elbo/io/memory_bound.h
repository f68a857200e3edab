#pragma once

#include <cstdint>

namespace elbo {

/// Bytes that a file may unpack to in memory: half of what is available to this process by the
/// system, its control group and its limits, at most 64 GB; the variable ELBO_MEMORY (in GB) sets
/// another bound. Asked anew at each call.
int64_t most_unpacked();

/// Bytes that a process may take which reads what somebody else has made: what is available to it,
/// or ELBO_MEMORY; at least 1 GiB, which libtorch and its threads need. 0 = the system does not
/// say.
int64_t most_of_process();

}  // namespace elbo
