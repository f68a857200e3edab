#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "elbo/core/api.h"

namespace ELBO_API elbo {

/// A second thread for work of microseconds, which OpenMP's would cost more than it saves. A piece
/// runs at any time until finish(), which takes part; pieces with one target run in the order in
/// which they are given. The thread watches for work for some 100 us after the last, then sleeps.
class Helper {
 public:
  using Piece = std::function<void()>;

  Helper();
  /// Waits for what has been given.
  ~Helper();
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  /// From one thread at a time, which also calls finish(). `target`: what the piece changes that
  /// others change, too; null = nothing. What a piece holds is freed by finish().
  void give(Piece piece, const void* target = nullptr);
  /// All given pieces have run. Raises what one of them raised.
  void finish();

 private:
  enum Phase : uint64_t { kReady, kTaken, kDone };
  struct Slot {
    Piece piece;
    std::atomic<const void*> target = nullptr;
    std::atomic<uint64_t> state = kDone;  // number and phase of the piece
  };

  Slot& slot(uint64_t number) { return slots_[number % kMost]; }
  static uint64_t state_of(uint64_t number, Phase phase) { return 4 * number + phase; }
  bool is(uint64_t number, Phase phase);
  bool may_run(uint64_t number);
  bool run(uint64_t number);
  bool run_last();
  void work();

  static constexpr uint64_t kMost = 64;
  std::array<Slot, kMost> slots_;
  std::atomic<uint64_t> given_ = 0, freed_ = 0;  // counts since the beginning
  std::atomic<bool> ends_ = false;
  std::mutex failing_;
  std::exception_ptr failure_;
  std::thread thread_;
};

/// While one lives, aside() of this thread gives its pieces to that helper (null: runs them), and
/// whoever made the scope calls finish().
class WithHelper {
 public:
  explicit WithHelper(Helper* helper);
  ~WithHelper();
  WithHelper(const WithHelper&) = delete;
  WithHelper& operator=(const WithHelper&) = delete;

 private:
  Helper* before_;
};

/// Runs the piece at once, or gives it to the helper of this thread's scope.
void aside(Helper::Piece piece, const void* target);

}  // namespace elbo
