#include <algorithm>
#include <atomic>

#include "elbo/core/error.h"
#include "elbo/core/helper.h"
#include "near.h"

namespace elbo {
namespace {

TEST_CASE("helper: all pieces run, those with one target in order and one at a time") {
  Helper helper;
  std::vector<int> seen, others;
  std::atomic<int> free = 0;
  int made = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < round; ++i, ++made) {
      auto& target = made % 3 == 0 ? others : seen;
      helper.give([&target, made] { target.push_back(made); }, &target);
      helper.give([&] { ++free; });
    }
    helper.finish();
    REQUIRE(static_cast<int>(seen.size() + others.size()) == made);
    REQUIRE(free == made);
  }
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK(std::is_sorted(others.begin(), others.end()));
}

TEST_CASE("helper: a failure reaches whoever waits, the rest still runs, once") {
  Helper helper;
  int ran = 0;
  helper.give([&] { ++ran; });
  helper.give([] { fail("no such row"); });
  helper.give([&] { ++ran; });
  CHECK_THROWS_AS(helper.finish(), Error);
  CHECK(ran == 2);
  helper.finish();
  helper.give([&] { ++ran; });
  helper.finish();
  CHECK(ran == 3);
}

TEST_CASE("helper: it wakes after a sleep, and its end waits for what was given") {
  std::atomic<int> ran = 0;
  {
    Helper helper;
    for (int i = 0; i < 3; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      helper.give([&] { ++ran; });
    }
  }
  CHECK(ran == 3);
}

TEST_CASE("helper: without a scope a piece runs at once") {
  int ran = 0;
  aside([&] { ++ran; }, &ran);
  CHECK(ran == 1);
  Helper helper;
  const WithHelper scope(&helper);
  aside([&] { ++ran; }, &ran);
  helper.finish();
  CHECK(ran == 2);
}

}  // namespace
}  // namespace elbo
