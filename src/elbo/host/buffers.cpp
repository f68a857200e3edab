#include "elbo/host/buffers.h"

#include <c10/core/CPUAllocator.h>
#include <malloc.h>

#include "elbo/core/buffer_pool.h"

namespace elbo {

void keep_buffers() {
  c10::SetCPUAllocator(buffer_pool(), /*priority=*/1);
#if defined(__GLIBC__)
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 16 << 20);
#endif
}

}  // namespace elbo
