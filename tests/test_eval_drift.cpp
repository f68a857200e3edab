#include "elbo/eval/drift.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

Tensor normal_scores(int64_t n, uint64_t seed) {
  RandomScope scope(seed);
  return torch::randn({n}, torch::kFloat64);
}

TEST_CASE("drift is found where most scores are higher, not where a tenth is enormous") {
  const auto reference = normal_scores(400, 1);
  CHECK_FALSE(find_drift(normal_scores(3000, 2), reference).found);
  auto some = normal_scores(3000, 3);
  some.narrow(0, 0, 250).fill_(1e6);
  CHECK_FALSE(find_drift(some, reference).found);
  const auto drift = find_drift(normal_scores(3000, 4) + 0.8, reference);
  CHECK(drift.found);
  CHECK(drift.above > 0.45);
  CHECK(drift.text().find("drift") == 0);
}

TEST_CASE("a few rows are no drift, whatever they score") {
  CHECK_FALSE(find_drift(normal_scores(4, 5) + 0.5, normal_scores(400, 6)).found);
}

TEST_CASE("an adapted level lies among moved and scaled scores where it lay among the old ones") {
  const auto reference = normal_scores(500, 7);
  CHECK_CLOSE(adapted_level(2.0, 3 * reference + 10, reference), 16.0, kFloatSums);
  CHECK_CLOSE(adapted_level(2.0, reference, reference), 2.0, kFloatSums);
  auto some = 3 * reference + 10;
  some = torch::cat({some, torch::full({25}, 1e6, torch::kFloat64)});
  CHECK(std::abs(adapted_level(2.0, some, reference) - 16) < 1.5);
}

}  // namespace
}  // namespace elbo
