#include "elbo/host/threads.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <utility>

#include "elbo/host/start.h"

namespace elbo {
namespace {

bool said_by_option = false;

/// Cores of the machine that this process may not use: others there are in nobody's way.
int64_t cores_elsewhere() {
  return std::max<int64_t>(0, sysconf(_SC_NPROCESSORS_ONLN) - usable_cores());
}

std::string how_many(int64_t threads, int64_t cores) {
  return std::to_string(threads) + " of " + std::to_string(cores) + " cores in use";
}

}  // namespace

void use_threads(int64_t count) {
  if (said_by_option) return;
  if (const char* said = std::getenv("OMP_NUM_THREADS")) {
    // libtorch 2 takes no more than there are cores of what the variable says.
    if (const int asked = std::atoi(said); asked > 0) at::set_num_threads(asked);
    return;
  }
  at::set_num_threads(static_cast<int>(std::clamp<int64_t>(count, 1, usable_cores())));
}

void fix_threads(int64_t count) {
  said_by_option = true;
  at::set_num_threads(static_cast<int>(std::max<int64_t>(count, 1)));
}

bool threads_are_fixed() { return said_by_option || std::getenv("OMP_NUM_THREADS"); }

std::string note_on_threads() {
  const int64_t threads = at::get_num_threads(), cores = usable_cores();
  if (threads >= cores || threads_are_fixed()) return "";
  return how_many(threads, cores) + "; --threads " + std::to_string(cores) + " uses all";
}

int64_t threads_beside(double others, int64_t cores, int64_t now) {
  // A thread that shares its core keeps the others waiting at every layer.
  constexpr double kTooFew = 0.6, kEnough = 0.7;  // cores, against the threads there are
  const int64_t least = std::min(now, (cores + 1) / 2);
  const double left = static_cast<double>(cores) - others, used = static_cast<double>(now);
  if (left < used - kTooFew) return std::clamp<int64_t>(std::lround(left), least, now);
  if (left > used + kEnough) {
    return std::clamp<int64_t>(static_cast<int64_t>(left + 1 - kEnough), now, cores);
  }
  return std::clamp<int64_t>(now, 1, cores);
}

FollowLoad::FollowLoad() : at_(Clock::now()), before_(times()) {}

FollowLoad::Times FollowLoad::times() {
  Times t;
  std::ifstream file("/proc/stat");
  std::string name;
  double user = 0, nice = 0, system = 0, idle = 0, waits = 0, interrupts = 0, soft = 0;
  if (file >> name >> user >> nice >> system >> idle >> waits >> interrupts >> soft) {
    const auto per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
    t.all = (user + nice + system + interrupts + soft) / per_second;
  }
  timespec own{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
  t.own = static_cast<double>(own.tv_sec) + 1e-9 * static_cast<double>(own.tv_nsec);
  return t;
}

std::string FollowLoad::look() {
  constexpr double kBetween = 1;  // seconds
  if (threads_are_fixed()) return "";
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - at_).count();
  if (seconds < kBetween) return "";
  const auto before = std::exchange(before_, times());
  at_ = now;
  if (before.all < 0 || before_.all < 0) return "";
  const double others = (before_.all - before.all - (before_.own - before.own)) / seconds -
                        static_cast<double>(cores_elsewhere());
  const int64_t cores = usable_cores(), had = at::get_num_threads();
  const int64_t has = threads_beside(std::max(0.0, others), cores, had);
  if (has == had) return "";
  use_threads(has);
  return how_many(has, cores) +
         (has < had ? " from here, another process has the rest" : " from here");
}

}  // namespace elbo
