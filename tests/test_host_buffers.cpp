#include <cstdint>
#include <thread>

#include "elbo/host/buffers.h"
#include "near.h"

namespace elbo {
namespace {

TEST_CASE("kept buffers are aligned, large enough and never shared by two tensors") {
  keep_buffers();
  torch::manual_seed(1);
  std::vector<Tensor> live;
  std::vector<float> marks;
  float mark = 0;
  const auto holds = [](const Tensor& t, float value) {
    return t.numel() == 0 || (t == value).all().item<bool>();
  };
  for (int round = 0; round < 3000; ++round) {
    // Sizes around every bound between classes, up to well above 1 MiB.
    const auto power = torch::randint(0, 20, {1}).item<int64_t>();
    const auto n = (int64_t{1} << power) + torch::randint(-2, 3, {1}).item<int64_t>();
    live.push_back(torch::full({std::max<int64_t>(n, 0)}, ++mark));
    marks.push_back(mark);
    CHECK(reinterpret_cast<uintptr_t>(live.back().data_ptr()) % 64 == 0);
    if (live.size() > 20) {
      const auto i = torch::randint(0, 20, {1}).item<int64_t>();
      REQUIRE(holds(live[i], marks[i]));
      live.erase(live.begin() + i);
      marks.erase(marks.begin() + i);
    }
  }
  for (size_t i = 0; i < live.size(); ++i) CHECK(holds(live[i], marks[i]));
  // A thread may free what another made, and end before what it made is freed.
  Tensor theirs;
  std::thread([&] {
    live.clear();
    theirs = torch::full({1000}, 7.0f);
  }).join();
  CHECK(holds(theirs, 7));
}

}  // namespace
}  // namespace elbo
