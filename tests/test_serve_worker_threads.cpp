#include <doctest/doctest.h>

#include <atomic>
#include <future>

#include "elbo/serve/worker_threads.h"

namespace elbo {
namespace {

TEST_CASE("threads are made while all others wait, up to a bound, and all work is done") {
  constexpr size_t kMost = 8;
  std::promise<void> open;
  const auto gate = open.get_future().share();
  std::atomic<size_t> begun{0}, done{0};
  WorkerThreads threads(kMost);
  const auto wait_at_gate = [&] {
    ++begun;
    gate.wait();
    ++done;
  };
  for (size_t i = 0; i < kMost; ++i) {
    CHECK_FALSE(threads.full());
    threads.run(wait_at_gate);
  }
  while (begun < kMost) std::this_thread::yield();
  CHECK(threads.full());
  threads.run(wait_at_gate);
  threads.run(wait_at_gate);
  CHECK(threads.full());
  CHECK(begun == kMost);
  open.set_value();
  threads.end();
  CHECK(done == kMost + 2);
}

TEST_CASE("who is free does the next work") {
  WorkerThreads threads(4);
  for (int i = 0; i < 100; ++i) {
    std::promise<void> did;
    threads.run([&] { did.set_value(); });
    did.get_future().wait();
  }
  CHECK_FALSE(threads.full());
}

}  // namespace
}  // namespace elbo
