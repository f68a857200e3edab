#include "elbo/core/allocation_bound.h"

#include <c10/core/CPUAllocator.h>

#include <cstring>
#include <limits>
#include <utility>

#include "elbo/core/error.h"

namespace elbo {
namespace {

thread_local AllocationBound* bound_here = nullptr;

}  // namespace

/// Stands before the allocator in use. Versions of libtorch differ in what they declare: const or
/// not, copy_data or not.
struct BoundedAllocator : c10::Allocator {
  explicit BoundedAllocator(c10::Allocator* inner) : inner_(inner) {}
  c10::DataPtr allocate(size_t bytes) const { return counted(bytes); }
  c10::DataPtr allocate(size_t bytes) { return counted(bytes); }
  void copy_data(void* to, const void* from, size_t bytes) const { std::memcpy(to, from, bytes); }
  c10::DeleterFnPtr raw_deleter() const override { return inner_->raw_deleter(); }

 private:
  c10::DataPtr counted(size_t bytes) const {
    if (auto* bound = bound_here) {
      check(bytes <= static_cast<size_t>(bound->left_), bound->message_);
      bound->left_ -= static_cast<int64_t>(bytes);
    }
    return inner_->allocate(bytes);
  }

  c10::Allocator* const inner_;
};

AllocationBound::AllocationBound(int64_t bytes, std::string message)
    : left_(bytes), message_(std::move(message)), outer_(bound_here) {
  constexpr uint8_t kPriority = 2;  // above the program's own
  static const bool placed = [] {
    static BoundedAllocator allocator(c10::GetCPUAllocator());
    c10::SetCPUAllocator(&allocator, kPriority);
    return true;
  }();
  (void)placed;
  bound_here = this;
}

AllocationBound::~AllocationBound() { bound_here = outer_; }

}  // namespace elbo
