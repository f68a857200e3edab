#include <doctest/doctest.h>

#include <stdexcept>
#include <thread>

#include "elbo/group/shared_sum.h"

namespace elbo {
namespace {

constexpr int64_t kThree = 3, kBytes = 4096;
using Memories = std::vector<std::unique_ptr<SharedSum>>;

Memories make_memories() {
  Memories all;
  std::vector<std::string> names;
  for (int64_t r = 0; r < kThree; ++r) {
    all.push_back(SharedSum::make(r, kThree, kBytes));
    REQUIRE(all.back());
    names.push_back(all.back()->name());
  }
  for (const auto& memory : all) REQUIRE(memory->open(names));
  return all;
}

/// What process `rank` shows in a round, and what all of them sum to.
Tensor shown_by(int64_t rank, int64_t round, int64_t size) {
  return torch::arange(size, torch::kFloat64) * static_cast<double>(rank + 1) +
         static_cast<double>(100 * round);
}

Tensor sum_of_all(int64_t round, int64_t size) {
  return torch::arange(size, torch::kFloat64) * 6 + static_cast<double>(300 * round);
}

TEST_CASE("sums through shared memory, each at its own pace, several under way") {
  const auto memories = make_memories();
  std::vector<int> right(kThree, 0);
  std::vector<std::thread> threads;
  constexpr int64_t kRounds = 200;
  for (int64_t r = 0; r < kThree; ++r) {
    threads.emplace_back([&, r] {
      auto& memory = *memories[static_cast<size_t>(r)];
      for (int64_t round = 0; round < kRounds; ++round) {
        if (round % 50 == 10 * r) std::this_thread::sleep_for(std::chrono::milliseconds(3));
        const auto a = shown_by(r, round, 5 + round), b = shown_by(r, round + 1, 70);
        const auto first = memory.show(a), second = memory.show(b);
        memory.add(first, a, [] {});
        memory.add(second, b, [] {});
        right[static_cast<size_t>(r)] += torch::equal(a, sum_of_all(round, 5 + round)) &&
                                         torch::equal(b, sum_of_all(round + 1, 70));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(right == std::vector<int>(kThree, kRounds));
}

TEST_CASE("shared memory has room for so much at a time, and only for what lies in one piece") {
  const auto memories = make_memories();
  const auto t = torch::zeros(kBytes / 8, torch::kFloat64);
  CHECK(memories[0]->fits(t));
  CHECK_FALSE(memories[0]->fits(torch::zeros(kBytes / 8 + 1, torch::kFloat64)));
  CHECK_FALSE(memories[0]->fits(t.slice(0, 0, 8, 2)));
  memories[0]->show(t.narrow(0, 0, 8));
  CHECK_FALSE(memories[0]->fits(t));
}

TEST_CASE("who waits in vain is woken now and then") {
  const auto memories = make_memories();
  const auto t = torch::ones(4);
  const auto shown = memories[1]->show(t);
  CHECK_THROWS_WITH(memories[1]->add(shown, t, [] { throw std::runtime_error("all gone"); }),
                    "all gone");
}

TEST_CASE("the name of another machine's process opens nothing") {
  const auto memory = SharedSum::make(0, 2, kBytes), other = SharedSum::make(1, 2, kBytes);
  REQUIRE(memory);
  CHECK_FALSE(memory->open({memory->name(), ""}));
  CHECK_FALSE(memory->open({memory->name(), "1 0 77"}));
  auto wrong = other->name();
  wrong.back() = wrong.back() == '1' ? '2' : '1';
  CHECK_FALSE(memory->open({memory->name(), wrong}));
  CHECK(memory->open({memory->name(), other->name()}));
}

}  // namespace
}  // namespace elbo
