#include <doctest/doctest.h>

#include <algorithm>

#include "elbo/core/shuffle.h"
#include "elbo/data/block_order.h"
#include "elbo/data/rows.h"
#include "elbo/train/split.h"

namespace elbo {

TEST_CASE("lists of millions of rows take half the memory and name the same rows") {
  constexpr int64_t kRows = 1 << 22, kHeld = 1000;
  REQUIRE(wants_short_rows(kRows));
  CHECK(!wants_short_rows(kRows - 1));
  Arrays arrays;
  arrays.x = torch::arange(kRows, torch::kFloat32).view({kRows, 1});
  arrays.schemas.x.kind = Kind::kReal;
  arrays.schemas.x.shape = {1};
  const auto data = in_memory(std::move(arrays));

  const auto [training, held] = split_validation(data, kHeld, 3);
  auto expected = permutation(kRows, Draw{3, 0}.key("validation rows"));
  std::sort(expected.end() - kHeld, expected.end());
  const auto read = held->get(torch::arange(kHeld, torch::kInt64)).x;
  bool same = true;
  for (int64_t i = 0; i < kHeld; ++i) {
    const auto row = expected[static_cast<size_t>(kRows - kHeld + i)];
    same = same && read[i].item<float>() == static_cast<float>(row);
  }
  CHECK(same);
  CHECK(training->size() == kRows - kHeld);
  CHECK(held->row_name(5) == std::to_string(expected[static_cast<size_t>(kRows - kHeld + 5)]));
  CHECK_THROWS_AS(held->get(torch::full({1}, kHeld, torch::kInt64)), Error);

  const auto order = epoch_rows(*data, 11);
  CHECK((order.scalar_type() == torch::kInt32));
  CHECK(order.to(torch::kInt64).equal(torch::tensor(permutation(kRows, 11))));
  CHECK_THROWS_AS(subset_of(data, torch::full({1}, static_cast<int32_t>(kRows), torch::kInt32)),
                  Error);
}

}  // namespace elbo
