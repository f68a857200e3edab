#pragma once

#include <cstdint>
#include <string>

namespace elbo {

/// While it lives, the tensors that this thread makes on the CPU may take `bytes` in all, those
/// that are gone included; what goes beyond raises an Error with this message before it is
/// allocated.
class AllocationBound {
 public:
  AllocationBound(int64_t bytes, std::string message);
  ~AllocationBound();
  AllocationBound(const AllocationBound&) = delete;
  AllocationBound& operator=(const AllocationBound&) = delete;

 private:
  friend struct BoundedAllocator;
  int64_t left_;
  const std::string message_;
  AllocationBound* const outer_;
};

}  // namespace elbo
