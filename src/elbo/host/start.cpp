#include "elbo/host/start.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>

namespace elbo {
namespace {

// OpenMP threads that wait for work spin so many rounds before they sleep: enough to bridge the
// gap between two layers where the cores are ours, next to none where another process wants one
// and the threads do not give way: one that has slept is run again at once, one that has spun
// waits.
constexpr const char* kSpinAlone = "2000";
constexpr const char* kSpinShared = "100";

int64_t cores_allowed() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return 1;
  return std::max(1, CPU_COUNT(&mask));
}

/// Threads of the machine that run or want to run at this moment, without our own; -1 = unknown.
int64_t others_running() {
  std::ifstream file("/proc/loadavg");
  std::string load;
  int64_t running = 0;
  return file >> load >> load >> load >> running ? running - 1 : -1;
}

/// Cores that a container's quota allows; 0 = no quota.
int64_t cores_in_quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::max<int64_t>(1, std::lround(std::strtod(quota.c_str(), nullptr) / period));
}

}  // namespace

int64_t usable_cores() {
  const int64_t quota = cores_in_quota(), allowed = cores_allowed();
  return quota > 0 ? std::min(quota, allowed) : allowed;
}

namespace {

/// Cores that other processes want all through some milliseconds.
int64_t cores_wanted_elsewhere() {
  const int64_t spare = std::max<int64_t>(0, sysconf(_SC_NPROCESSORS_ONLN) - usable_cores());
  int64_t least = usable_cores();
  for (int i = 0; i < 4 && least > 0; ++i) {
    if (i > 0) usleep(2000);
    least = std::clamp<int64_t>(others_running() - spare, 0, least);
  }
  return least;
}

}  // namespace

// A thread that shares its core keeps the others waiting at every layer.
int64_t threads_for(int64_t cores) {
  return std::max((cores + 1) / 2, cores - cores_wanted_elsewhere());
}

bool set_if_absent(const char* name, const char* value) {
  if (value[0] == '\0' || std::getenv(name)) return false;
  return setenv(name, value, 1) == 0;
}

bool prepare_openmp(bool shared, char** words) {
  if (std::getenv("OMP_WAIT_POLICY")) return false;
  bool stays = std::getenv("OMP_NUM_THREADS") != nullptr;
  for (char** word = words; *word; ++word) stays |= std::string(*word).rfind("--threads", 0) == 0;
  return set_if_absent("GOMP_SPINCOUNT", shared && stays ? kSpinShared : kSpinAlone);
}

int64_t prepared_threads() {
  const char* prepared = std::getenv(kPrepared);
  return prepared ? std::max(1, std::atoi(prepared)) : 0;
}

}  // namespace elbo
