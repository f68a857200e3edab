#include "elbo/group/shared_sum.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <sstream>

namespace elbo {
namespace {

constexpr int64_t kPage = 4096;
constexpr int kRounds = 4000;             // of looking before a process sleeps, some 50 µs
constexpr timespec kNap{0, 500'000'000};  // between two looks at whether all are alive

int64_t pages(int64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

int64_t mapped_bytes(int64_t half) { return kPage + 2 * half; }

char* map_memory(int file, int64_t half) {
  void* at = mmap(nullptr, static_cast<size_t>(mapped_bytes(half)), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_NORESERVE, file, 0);
  return at == MAP_FAILED ? nullptr : static_cast<char*>(at);
}

// The kernel takes an address, whatever the type.
long futex(std::atomic<uint32_t>& word, int what, uint32_t value, const timespec* time) {
  return syscall(SYS_futex, &word, what, value, time, nullptr, 0);
}

}  // namespace

SharedSum::SharedSum(int64_t rank, int64_t size, int64_t bytes)
    : rank_(static_cast<size_t>(rank)),
      bytes_(pages(bytes)),
      memory_(static_cast<size_t>(size), nullptr) {}

std::unique_ptr<SharedSum> SharedSum::make(int64_t rank, int64_t size, int64_t bytes) {
  std::unique_ptr<SharedSum> made(new SharedSum(rank, size, bytes));
  made->file_ = memfd_create("elbo-sums", MFD_CLOEXEC);
  if (made->file_ < 0 || ftruncate(made->file_, mapped_bytes(made->bytes_)) != 0) return nullptr;
  made->memory_[made->rank_] = map_memory(made->file_, made->bytes_);
  if (!made->memory_[made->rank_]) return nullptr;
  auto& own = made->header(made->rank_);
  if (getrandom(&own.token, sizeof own.token, 0) != sizeof own.token) return nullptr;
  std::ostringstream name;
  name << getpid() << ' ' << made->file_ << ' ' << own.token;
  made->name_ = name.str();
  return made;
}

SharedSum::~SharedSum() {
  for (char* at : memory_) {
    if (at) munmap(at, static_cast<size_t>(mapped_bytes(bytes_)));
  }
  if (file_ >= 0) close(file_);
}

bool SharedSum::open(const std::vector<std::string>& names) {
  for (size_t r = 0; r < memory_.size(); ++r) {
    if (r == rank_) continue;
    int64_t process = 0, number = 0;
    uint64_t token = 0;
    std::istringstream(names.at(r)) >> process >> number >> token;
    const auto path = "/proc/" + std::to_string(process) + "/fd/" + std::to_string(number);
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    // On another machine the same path may lead to something else, or to something smaller.
    const bool whole = file >= 0 && lseek(file, 0, SEEK_END) == mapped_bytes(bytes_);
    if (whole) memory_[r] = map_memory(file, bytes_);
    if (file >= 0) close(file);
    if (!memory_[r] || header(r).token != token) return false;
  }
  return true;
}

bool SharedSum::fits(const Tensor& t) const {
  const int64_t used = shown_ == added_ ? 0 : used_;
  return t.device().is_cpu() && t.is_contiguous() &&
         used + static_cast<int64_t>(t.nbytes()) <= bytes_;
}

uint32_t SharedSum::show(const Tensor& t) {
  if (shown_ == added_) {
    half_ = 1 - half_;
    used_ = 0;
    places_.clear();
  }
  places_.push_back(kPage + half_ * bytes_ + used_);
  constexpr int64_t kLine = 64;
  used_ += (static_cast<int64_t>(t.nbytes()) + kLine - 1) / kLine * kLine;
  ++shown_;
  part(rank_, shown_, t).copy_(t);
  auto& count = header(rank_).shown;
  count.store(shown_, std::memory_order_release);
  futex(count, FUTEX_WAKE, INT_MAX, nullptr);
  return shown_;
}

void SharedSum::add(uint32_t shown, const Tensor& t, const std::function<void()>& look) {
  for (size_t r = 0; r < memory_.size(); ++r) wait_for(r, shown, look);
  t.copy_(part(0, shown, t));
  for (size_t r = 1; r < memory_.size(); ++r) t.add_(part(r, shown, t));
  ++added_;
}

Tensor SharedSum::part(size_t rank, uint32_t shown, const Tensor& like) const {
  const auto place = places_.at(places_.size() - 1 - (shown_ - shown));
  return torch::from_blob(memory_[rank] + place, like.sizes(), like.options().requires_grad(false));
}

void SharedSum::wait_for(size_t rank, uint32_t shown, const std::function<void()>& look) const {
  auto& count = header(rank).shown;
  // The count goes round after 2^32 sums.
  const auto reached = [&](uint32_t seen) { return static_cast<int32_t>(seen - shown) >= 0; };
  for (int i = 0; i < kRounds; ++i) {
    if (reached(count.load(std::memory_order_acquire))) return;
  }
  for (;;) {
    const auto seen = count.load(std::memory_order_acquire);
    if (reached(seen)) return;
    futex(count, FUTEX_WAIT, seen, &kNap);
    look();
  }
}

}  // namespace elbo
