#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace elbo {

/// A process's heartbeat, in a thread of its own: a process that works long is alive, one that is
/// frozen or cut off is not. Each watches its neighbour, so that the traffic grows with their
/// number and not with its square.
class GlooWatch {
 public:
  /// `store`: a connection that nobody else uses, `where` it leads.
  GlooWatch(c10::intrusive_ptr<c10d::Store> store, std::string where, int64_t rank, int64_t size);
  ~GlooWatch();
  GlooWatch(const GlooWatch&) = delete;
  GlooWatch& operator=(const GlooWatch&) = delete;

  /// Why the group is at its end; empty while all is well.
  std::string failure() const;
  /// The reason that all processes will see, unless another was there before.
  void tell(const std::string& why);
  /// Waits for a reason, or for heartbeats that do not come: what to say after a connection broke.
  std::string find_cause();

  static constexpr const char* kFailed = "failed";  // the key of the reason

 private:
  using Clock = std::chrono::steady_clock;
  void beat();
  void look_at_neighbour();
  void read_failure();
  std::string missing_beats();

  c10::intrusive_ptr<c10d::Store> store_;
  const std::string where_;
  const int64_t rank_, size_;
  int64_t neighbour_beats_ = -1;
  Clock::time_point neighbour_moved_ = Clock::now();
  std::atomic<Clock::rep> last_answer_;
  mutable std::mutex mutex_;      // of failure_ and ends_
  std::timed_mutex store_mutex_;  // of store_: one request at a time; over a cut network for ever
  std::condition_variable wake_;
  std::string failure_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace elbo
