#pragma once

#include <c10/core/Allocator.h>

namespace elbo {

/// Memory for the tensors of the CPU: a thread keeps what its tensors free, up to 16 MiB, and hands
/// it out again: a step of a small net asks for fifty. Buffers above 1 MiB go through malloc.
c10::Allocator* buffer_pool();

}  // namespace elbo
