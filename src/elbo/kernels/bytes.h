#pragma once

#include <cstdint>

#include "elbo/core/tensor.h"

// Rows of data as floats.

namespace elbo {

/// out[i] = 1 with probability in[i]/255; row r of a table draws at positions r*width + i of the
/// stream `key` (core/random.h).
void bernoulli_bytes(const uint8_t* in, float* out, int64_t width, uint64_t key, int64_t row);

/// out[i] = 1 where in[i] is at least 128, else 0.
void threshold_bytes(const uint8_t* in, float* out, int64_t width);

/// The given rows (int64, within the table) of a contiguous [N, …] tensor on the CPU as float32:
/// gather and conversion in one pass. unit: bytes as shares of 255. Undefined stays undefined.
Tensor gather_floats(const Tensor& table, const Tensor& rows, bool unit = false);

}  // namespace elbo
