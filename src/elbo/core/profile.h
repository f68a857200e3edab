#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "elbo/core/api.h"

namespace ELBO_API elbo {

/// What an operation does: floating-point operations, and the bytes that it must at least read and
/// write. 0 = not known. bf16: its products are of bfloat16 numbers.
struct Work {
  double flops = 0, bytes = 0;
  bool bf16 = false;
};

/// Times of operations. While one lives (one at a time), every Timed of any thread adds to it, and
/// so do ATen's operations and the backward passes of the thread that made it. A span counts
/// without the spans within it, so that the times of one thread add up to the whole.
class Profile {
 public:
  /// An operation, of one layer's weight or of none.
  struct Line {
    std::string what, layer;
    bool aside = false;  // on another thread than the one that made the profile
    int64_t calls = 0;
    double seconds = 0;
    Work work;  // of all calls
  };

  Profile();
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  static Profile* current() { return current_.load(std::memory_order_relaxed); }

  /// Where a parameter lies, and what it is called, e.g. "encoder.out.weight".
  void name(const void* weight, const std::string& parameter);
  /// Forgets what has been measured, not the names. Outside of any span.
  void clear();
  /// The longest first.
  std::vector<Line> lines() const;
  /// The text at an address that stays.
  const char* kept(const std::string& text);

 private:
  friend class Timed;
  using Key = std::tuple<const char*, const void*, bool>;
  void add(const Key& key, double seconds, const Work& work);

  static std::atomic<Profile*> current_;
  mutable std::mutex mutex_;
  std::map<Key, Line> lines_;
  std::map<const void*, std::string> names_;
  std::set<std::string> texts_;
  const void* const owner_;  // thread
  uint64_t observer_ = 0;
};

/// One span of the profile from here to the end of the scope; costs a look where nobody profiles.
class Timed {
 public:
  /// `what` outlives the profile; `weight`: where the weight of the operation's layer lies.
  explicit Timed(const char* what, const void* weight = nullptr, const Work& work = {}) {
    if (auto* profile = Profile::current()) begin(*profile, what, weight, work);
  }
  ~Timed() {
    if (profile_) end();
  }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  void begin(Profile& profile, const char* what, const void* weight, const Work& work);
  void end();

  Profile* profile_ = nullptr;
  Timed* outer_ = nullptr;
  const char* what_ = nullptr;
  const void* weight_ = nullptr;
  Work work_;
  double within_ = 0;  // seconds of the spans in this one
  std::chrono::steady_clock::time_point began_;
};

}  // namespace elbo
