#include "elbo/serve/worker_threads.h"

#include <system_error>

namespace elbo {

bool WorkerThreads::run(std::function<void()> work) {
  const std::lock_guard<std::mutex> lock(mutex_);
  work_.push_back(std::move(work));
  if (work_.size() > idle_ && threads_.size() < most_) {
    try {
      threads_.emplace_back([this] { loop(); });
    } catch (const std::system_error&) {
      // The system has no more threads: those there are get to it.
      if (threads_.empty()) {
        work_.pop_back();
        return false;
      }
    }
  }
  wake_.notify_one();
  return true;
}

bool WorkerThreads::full() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return threads_.size() >= most_ && work_.size() >= idle_;
}

void WorkerThreads::end() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ends_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void WorkerThreads::loop() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [&] { return ends_ || !work_.empty(); });
    --idle_;
    if (work_.empty()) return;
    const auto work = std::move(work_.front());
    work_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

}  // namespace elbo
