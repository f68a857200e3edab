#include "elbo/core/pages.h"

#include <sys/mman.h>

#include <new>

namespace elbo {

Tensor empty_in_own_pages(const Shape& shape, torch::ScalarType type) {
  const auto bytes = static_cast<size_t>(numel(shape)) * torch::elementSize(type);
  if (bytes == 0) return torch::empty(shape, type);
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  return torch::from_blob(
      pages, shape, [bytes](void* at) { munmap(at, bytes); }, type);
}

}  // namespace elbo
