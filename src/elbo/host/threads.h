#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace elbo {

/// The number of threads from here on, 1 to the usable cores; one that the user has fixed stays.
void use_threads(int64_t count);
/// As --threads says: that many until the program ends, whatever else runs and whatever
/// OMP_NUM_THREADS says. At least 1.
void fix_threads(int64_t count);
/// Whether --threads or OMP_NUM_THREADS said the number.
bool threads_are_fixed();
/// A sentence where fewer threads than cores are in use and nobody said so; else empty.
std::string note_on_threads();

/// The number that suits a process with `now` threads, while others use so many of the cores: one
/// for each core that is left, at least half of the cores. Changes only where it is clear, so that
/// small work elsewhere does not move it to and fro.
int64_t threads_beside(double others, int64_t cores, int64_t now);

/// Changes the number of threads with what other processes use, as the processors' times of the
/// last second tell. Sums round as they are parted: who needs the same bits fixes the number.
class FollowLoad {
 public:
  FollowLoad();
  /// Cheap where a second is not over. A sentence where the number has changed; else empty.
  std::string look();

 private:
  using Clock = std::chrono::steady_clock;
  struct Times {
    double all = -1, own = 0;  // seconds of processors; all < 0: not known
  };
  static Times times();

  Clock::time_point at_;
  Times before_;
};

}  // namespace elbo
