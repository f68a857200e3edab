#include "elbo/core/helper.h"

#include <omp.h>

#include <algorithm>
#include <utility>

namespace elbo {
namespace {

constexpr int kWatched = 4000;  // looks for work before sleep
thread_local Helper* current = nullptr;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

Helper::Helper() : thread_([this] { work(); }) {}

Helper::~Helper() {
  try {
    finish();
  } catch (...) {  // nobody is left to tell
  }
  ends_ = true;
  ++given_;  // wakes it
  given_.notify_one();
  thread_.join();
}

void Helper::give(Piece piece, const void* target) {
  const uint64_t number = given_.load(std::memory_order_relaxed);
  if (number - freed_.load(std::memory_order_relaxed) == kMost) finish();
  auto& own = slot(number);
  own.piece = std::move(piece);
  own.target.store(target, std::memory_order_relaxed);
  own.state.store(state_of(number, kReady), std::memory_order_release);
  given_.store(number + 1);
  given_.notify_one();
}

void Helper::finish() {
  const uint64_t given = given_.load(std::memory_order_relaxed);
  uint64_t done = freed_.load(std::memory_order_relaxed);
  for (int looks = 0; done != given; ++looks) {
    if (is(done, kDone)) {
      slot(done).piece = nullptr;
      ++done;
    } else if (!run_last()) {
      // Its core may have been taken from the helper in the middle of a piece.
      looks < kWatched ? pause() : std::this_thread::yield();
    }
  }
  freed_.store(given);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

bool Helper::is(uint64_t number, Phase phase) {
  return slot(number).state.load(std::memory_order_acquire) == state_of(number, phase);
}

bool Helper::may_run(uint64_t number) {
  const void* target = slot(number).target.load(std::memory_order_relaxed);
  for (uint64_t before = freed_.load(); target && before < number; ++before) {
    if (slot(before).target.load(std::memory_order_relaxed) == target && !is(before, kDone)) {
      return false;
    }
  }
  return true;
}

bool Helper::run(uint64_t number) {
  auto expected = state_of(number, kReady);
  auto& own = slot(number);
  if (!is(number, kReady) || !may_run(number) ||
      !own.state.compare_exchange_strong(expected, state_of(number, kTaken))) {
    return false;
  }
  try {
    own.piece();
  } catch (...) {
    const std::lock_guard<std::mutex> lock(failing_);
    if (!failure_) failure_ = std::current_exception();
  }
  own.state.store(state_of(number, kDone), std::memory_order_release);
  return true;
}

/// The helper comes from the front.
bool Helper::run_last() {
  const uint64_t first = freed_.load(std::memory_order_relaxed);
  for (uint64_t number = given_.load(std::memory_order_relaxed); number-- > first;) {
    if (run(number)) return true;
  }
  return false;
}

void Helper::work() {
  omp_set_num_threads(1);  // a team of its own would take the cores from the caller's
  uint64_t next = 0;
  for (int looks = 0; !ends_;) {
    next = std::max(next, freed_.load());
    const uint64_t given = given_.load(std::memory_order_acquire);
    if (next < given) {
      // Not ready: taken by finish(). Ready and not run: one with its target runs there.
      if (run(next) || !is(next, kReady)) ++next;
      looks = 0;
    } else if (++looks < kWatched) {
      pause();
    } else {
      given_.wait(given);
      looks = 0;
    }
  }
}

WithHelper::WithHelper(Helper* helper) : before_(current) { current = helper; }
WithHelper::~WithHelper() { current = before_; }

void aside(Helper::Piece piece, const void* target) {
  current ? current->give(std::move(piece), target) : piece();
}

}  // namespace elbo
