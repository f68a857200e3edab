#include "elbo/eval/drift.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

Tensor normal_scores(int64_t n, uint64_t seed) {
  RandomScope scope(seed);
  return torch::randn({n}, torch::kFloat64);
}

Tensor columns(const std::vector<Tensor>& each) { return torch::stack(each, 1); }

TEST_CASE("drift is found where most scores are higher, not where a tenth is enormous") {
  const auto reference = ColumnLevels::of(columns({normal_scores(400, 1)}));
  CHECK_FALSE(find_drift(columns({normal_scores(3000, 2)}), reference).found);
  auto some = normal_scores(3000, 3);
  some.narrow(0, 0, 250).fill_(1e6);
  CHECK_FALSE(find_drift(columns({some}), reference).found);
  const auto drift = find_drift(columns({normal_scores(3000, 4) + 0.8}), reference);
  CHECK(drift.found);
  CHECK(drift.above);
  CHECK(drift.now > drift.usual + 0.2);
  CHECK_FALSE(find_drift(columns({normal_scores(3000, 4) - 0.8}), reference).above);
}

TEST_CASE("drift names the column that moved, also among ties and unknown numbers") {
  auto a = normal_scores(2000, 8), c = normal_scores(2000, 9).round();
  a.narrow(0, 0, 500).fill_(NAN);
  const auto unknown = torch::full({2000}, NAN, torch::kFloat64);
  const auto reference = ColumnLevels::of(columns({a, c, unknown}));
  CHECK(reference.count[0][0].item<double>() == 1500);
  CHECK_FALSE(find_drift(columns({normal_scores(2000, 10), normal_scores(2000, 11).round(),
                                  torch::ones_like(unknown)}),
                         reference)
                  .found);
  const auto moved = find_drift(columns({normal_scores(2000, 10), c - 1, unknown}), reference);
  CHECK(moved.found);
  CHECK(moved.column == 1);
  CHECK_FALSE(moved.above);
}

TEST_CASE("a constant that changes is drift; what comes back from a file is the same") {
  const auto constant = torch::ones({300}, torch::kFloat64);
  const auto reference = ColumnLevels::unpacked(ColumnLevels::of(columns({constant})).packed(), 1);
  CHECK_FALSE(find_drift(columns({constant}), reference).found);
  CHECK(find_drift(columns({constant + 1}), reference).found);
  CHECK_THROWS_AS(ColumnLevels::unpacked(torch::zeros({13, 2}), 3), Error);
  CHECK_THROWS_AS(ColumnLevels::unpacked(torch::zeros({3, 2}), 2), Error);
}

TEST_CASE("a few rows are no drift, whatever they score") {
  CHECK_FALSE(find_drift(columns({normal_scores(4, 5) + 0.5}),
                         ColumnLevels::of(columns({normal_scores(400, 6)})))
                  .found);
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
