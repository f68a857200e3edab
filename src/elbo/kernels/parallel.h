#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>

// When a pass over memory is worth a second thread, and how it is split.

#if defined(__SANITIZE_THREAD__)
extern "C" void __tsan_acquire(void* meeting);
extern "C" void __tsan_release(void* meeting);
#endif

namespace elbo::kernels {

/// f(first, last) on ranges of begin … end-1 of at least `grain`, several threads at once, as
/// at::parallel_for. The thread sanitizer, which does not see how OpenMP's threads meet, is told.
template <class F>
void over_ranges(int64_t begin, int64_t end, int64_t grain, const F& f) {
#if defined(__SANITIZE_THREAD__)
  char meeting = 0;
  __tsan_release(&meeting);
  at::parallel_for(begin, end, grain, [&](int64_t first, int64_t last) {
    __tsan_acquire(&meeting);
    f(first, last);
    __tsan_release(&meeting);
  });
  __tsan_acquire(&meeting);
#else
  at::parallel_for(begin, end, grain, f);
#endif
}

/// A thread touches no less than this: reading and writing it takes some ten times as long as
/// waking the thread does.
constexpr int64_t kBytesPerThread = 192 * 1024;

/// Parts, one for each thread, that n items of so many bytes each are worth. What an item reads
/// and writes counts, but not twice.
inline int64_t parts_of(int64_t n, int64_t bytes_each) {
  const int64_t worth = n * bytes_each / kBytesPerThread;
  if (worth < 2 || at::in_parallel_region()) return 1;
  return std::min({worth, n, static_cast<int64_t>(at::get_num_threads())});
}

/// f(part, first, last) on equal parts of 0 … n-1, a thread each. What f raises reaches the caller.
template <class F>
void over_parts(int64_t parts, int64_t n, const F& f) {
  if (parts <= 1) return f(int64_t{0}, int64_t{0}, n);
  over_ranges(0, parts, 1, [&](int64_t from, int64_t to) {
    for (int64_t part = from; part < to; ++part) f(part, n * part / parts, n * (part + 1) / parts);
  });
}

/// f(first, last) on parts of 0 … n-1; small work stays on the calling thread.
template <class F>
void over_items(int64_t n, int64_t bytes_each, const F& f) {
  over_parts(parts_of(n, bytes_each), n,
             [&](int64_t, int64_t first, int64_t last) { f(first, last); });
}

/// f on copies of `all` whose first and last are the rows of one thread.
template <class Block, class F>
void over_blocks(const Block& all, int64_t rows, int64_t bytes_each, const F& f) {
  over_items(rows, bytes_each, [&](int64_t first, int64_t last) {
    Block block = all;
    block.first = first;
    block.last = last;
    f(block);
  });
}

}  // namespace elbo::kernels
