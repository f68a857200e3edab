#pragma once

namespace elbo {

/// From here on a thread keeps the CPU buffers that its tensors free and hands them out again: a
/// step of a small net asks for fifty. Those above 1 MiB go through malloc, which is told to keep
/// them, too: handed back to the kernel, every one would come as a page fault per 4 KiB.
void keep_buffers();

}  // namespace elbo
