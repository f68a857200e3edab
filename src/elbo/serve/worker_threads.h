#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace elbo {

/// Threads for work that mostly waits, as connections do: made when nobody is free, up to a bound.
class WorkerThreads {
 public:
  explicit WorkerThreads(size_t most) : most_(most) {}
  ~WorkerThreads() { end(); }
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;

  /// False where the system starts no thread and there is none: the work is not done then.
  bool run(std::function<void()> work);
  /// Whether more work would wait until a thread is done with other work.
  bool full() const;
  /// Does what waits and ends the threads.
  void end();

 private:
  void loop();

  const size_t most_;
  mutable std::mutex mutex_;  // of all below
  std::condition_variable wake_;
  std::deque<std::function<void()>> work_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool ends_ = false;
};

}  // namespace elbo
