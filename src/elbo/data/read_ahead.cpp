#include "elbo/data/read_ahead.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace elbo {
namespace {

// Threads that read ahead fill the gaps of those that compute.
constexpr int kNice = 5;

}  // namespace

ReadAhead::ReadAhead(Make make, size_t most_ready, int threads)
    : make_(std::move(make)), most_ready_(most_ready) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ends_ = true;
  }
  work_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void ReadAhead::expect(std::vector<int64_t> rows) {
  const std::lock_guard<std::mutex> lock(mutex_);
  rows_ = std::move(rows);
  next_ = 0;
  ++generation_;
  slots_.clear();
  work_.notify_all();
}

std::optional<ReadAhead::Bytes> ReadAhead::take(int64_t row) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!slots_.count(row)) return std::nullopt;
  const auto generation = generation_;
  ready_.wait(lock, [&] {
    if (generation != generation_) return true;
    const auto at = slots_.find(row);
    return at == slots_.end() || at->second.ready;
  });
  const auto at = slots_.find(row);
  if (at == slots_.end() || !at->second.ready) return std::nullopt;
  Slot slot = std::move(at->second);
  slots_.erase(at);
  work_.notify_one();
  if (slot.error) std::rethrow_exception(slot.error);
  return std::move(slot.bytes);
}

void ReadAhead::work() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNice);
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    work_.wait(lock,
               [&] { return ends_ || (next_ < rows_.size() && slots_.size() < most_ready_); });
    if (ends_) return;
    const int64_t row = rows_[next_++];
    const auto generation = generation_;
    if (!slots_.emplace(row, Slot()).second) continue;
    lock.unlock();
    Slot made;
    try {
      made.bytes = make_(row);
    } catch (...) {
      made.error = std::current_exception();
    }
    made.ready = true;
    lock.lock();
    const auto at = slots_.find(row);
    if (generation == generation_ && at != slots_.end()) at->second = std::move(made);
    ready_.notify_all();
  }
}

}  // namespace elbo
