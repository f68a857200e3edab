#include "elbo/core/buffer_pool.h"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

namespace elbo {
namespace {

// Four sizes per doubling, from 64 bytes to 1 MiB.
constexpr int kSmallest = 6, kLargest = 20, kSizes = 4 * (kLargest - kSmallest) + 1;
constexpr size_t kKeptPerSize = 32, kKeptInAll = size_t{16} << 20;
constexpr size_t kHeader = 64;  // in front of a buffer: its size's number, and the alignment kept

int size_number(size_t bytes) {
  if (bytes <= size_t{1} << kSmallest) return 0;
  const int power = std::bit_width(bytes - 1) - 1;
  if (power >= kLargest) return kSizes;
  const size_t below = size_t{1} << power, quarter = below / 4;
  return 4 * (power - kSmallest) + static_cast<int>((bytes - below + quarter - 1) / quarter);
}

size_t bytes_of(int number) {
  const size_t below = size_t{1} << (kSmallest + number / 4);
  return below + below / 4 * static_cast<size_t>(number % 4);
}

struct Kept {
  std::array<std::vector<char*>, kSizes> blocks;
  size_t bytes = 0;
  bool alive = true;  // tensors may outlive their thread's store
  ~Kept() {
    alive = false;
    for (const auto& same : blocks) {
      for (char* block : same) std::free(block);
    }
  }
};
thread_local Kept kept;

void release(void* buffer) {
  if (!buffer) return;
  char* block = static_cast<char*>(buffer) - kHeader;
  const int number = *reinterpret_cast<int*>(block);
  if (number < kSizes && kept.alive) {
    auto& same = kept.blocks[number];
    if (same.size() < kKeptPerSize && kept.bytes + bytes_of(number) <= kKeptInAll) {
      same.push_back(block);
      kept.bytes += bytes_of(number);
      return;
    }
  }
  std::free(block);
}

/// One page fault per 2 MiB instead of 4 KiB where the system has such pages.
void ask_for_huge_pages(char* block, size_t bytes) {
#ifdef __linux__
  constexpr size_t kHuge = size_t{2} << 20;
  const auto at = reinterpret_cast<uintptr_t>(block);
  const uintptr_t from = (at + kHuge - 1) / kHuge * kHuge, to = (at + bytes) / kHuge * kHuge;
  if (from < to) madvise(reinterpret_cast<void*>(from), to - from, MADV_HUGEPAGE);
#endif
}

char* block_of(int number, size_t bytes) {
  if (number < kSizes && kept.alive && !kept.blocks[number].empty()) {
    char* block = kept.blocks[number].back();
    kept.blocks[number].pop_back();
    kept.bytes -= bytes_of(number);
    return block;
  }
  void* fresh = nullptr;
  const size_t size = number < kSizes ? bytes_of(number) : bytes;
  if (posix_memalign(&fresh, kHeader, kHeader + size) != 0) throw std::bad_alloc();
  if (number == kSizes) ask_for_huge_pages(static_cast<char*>(fresh), size);
  *static_cast<int*>(fresh) = number;
  return static_cast<char*>(fresh);
}

c10::DataPtr buffer_of(size_t bytes) {
  const c10::Device cpu(c10::DeviceType::CPU);
  if (bytes == 0) return {nullptr, cpu};
  void* buffer = block_of(size_number(bytes), bytes) + kHeader;
  return {buffer, buffer, release, cpu};
}

// Versions of libtorch differ in what they declare: const or not, copy_data or not.
struct KeepingAllocator : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) const { return buffer_of(bytes); }
  c10::DataPtr allocate(size_t bytes) { return buffer_of(bytes); }
  void copy_data(void* to, const void* from, size_t bytes) const { std::memcpy(to, from, bytes); }
  c10::DeleterFnPtr raw_deleter() const override { return release; }
};

}  // namespace

c10::Allocator* buffer_pool() {
#if defined(__SANITIZE_ADDRESS__)  // which watches what malloc gives
  return c10::GetCPUAllocator();
#else
  static KeepingAllocator allocator;
  return &allocator;
#endif
}

}  // namespace elbo
