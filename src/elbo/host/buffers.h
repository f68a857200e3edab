#pragma once

namespace elbo {

/// From here on all CPU tensors of the process come from core's pool of buffers, and malloc keeps
/// the larger ones: handed back to the kernel, every one would come as a page fault per 4 KiB.
void keep_buffers();

}  // namespace elbo
