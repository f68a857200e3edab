#include "elbo/io/memory_bound.h"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>

#include "elbo/core/error.h"

namespace elbo {
namespace {

constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();

/// The number behind a word in a file of the system, or the file's first; kUnknown where there is
/// none, as in "max".
int64_t number_in(const char* path, const std::string& word = "") {
  std::ifstream file(path);
  std::string text;
  while (!word.empty() && file >> text && text != word) {
  }
  int64_t number = 0;
  return file >> number ? number : kUnknown;
}

int64_t left_in_group(const char* most, const char* used) {
  const auto bound = number_in(most), now = number_in(used);
  return bound == kUnknown || now == kUnknown ? kUnknown : std::max<int64_t>(bound - now, 0);
}

int64_t available() {
  constexpr int64_t kKilo = 1024;
  const auto whole = number_in("/proc/meminfo", "MemAvailable:");
  rlimit bound{};
  const bool bounded = getrlimit(RLIMIT_AS, &bound) == 0 && bound.rlim_cur != RLIM_INFINITY;
  return std::min({whole == kUnknown ? kUnknown : whole * kKilo,
                   left_in_group("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
                   left_in_group("/sys/fs/cgroup/memory/memory.limit_in_bytes",
                                 "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
                   bounded ? static_cast<int64_t>(bound.rlim_cur) : kUnknown});
}

/// What ELBO_MEMORY says in bytes; 0 = nothing.
int64_t wanted_bytes() {
  constexpr double kGiga = 1e9, kLargest = 1e6;
  const char* wanted = std::getenv("ELBO_MEMORY");
  if (!wanted || !*wanted) return 0;
  double gigabytes = 0;
  const char* end = wanted + std::strlen(wanted);
  const auto read = std::from_chars(wanted, end, gigabytes);
  check(read.ec == std::errc() && read.ptr == end && gigabytes > 0 && gigabytes <= kLargest,
        "[memory] ELBO_MEMORY: found \"", wanted, "\", expected gigabytes, e.g. 16");
  return static_cast<int64_t>(gigabytes * kGiga);
}

}  // namespace

int64_t most_unpacked() {
  constexpr int64_t kMost = int64_t{1} << 36;
  const auto wanted = wanted_bytes();
  return wanted > 0 ? wanted : std::min(kMost, available() / 2);
}

int64_t most_of_process() {
  constexpr int64_t kLeast = int64_t{1} << 30;
  const auto wanted = wanted_bytes(), free = available();
  return wanted > 0 ? std::max(kLeast, wanted) : free == kUnknown ? 0 : std::max(kLeast, free);
}

}  // namespace elbo
