#include <doctest/doctest.h>

#include "elbo/core/error.h"
#include "elbo/eval/linear.h"
#include "elbo/eval/spread.h"

namespace elbo {
namespace {

/// Two half circles, the end of each inside the other: [2n, 2] and the class of each row.
std::pair<Tensor, Tensor> moons(int64_t n) {
  torch::manual_seed(3);
  const auto turn = M_PI * torch::rand({n});
  const auto upper = torch::stack({turn.cos(), turn.sin()}, 1);
  const auto lower = torch::stack({1 - turn.cos(), 0.5 - turn.sin()}, 1);
  const auto x = torch::cat({upper, lower}) + 0.06 * torch::randn({2 * n, 2});
  return {x, torch::arange(2).repeat_interleave(n)};
}

double share_right(const Tensor& guess, const Tensor& y) {
  return (guess == y).to(torch::kFloat64).mean().item<double>();
}

TEST_CASE("two labels carried along the neighbours tell two half moons apart; a plane does not") {
  const auto [x, y] = moons(300);
  auto known = torch::full_like(y, -1);
  for (const int64_t row : {10, 310}) known[row] = y[row];
  const auto p = spread_labels(x, known, 2);
  CHECK((p.sum(1) - 1).abs().max().item<double>() < 1e-5);
  CHECK(share_right(p.argmax(1), y) > 0.98);
  const auto seen = torch::tensor({10, 310});
  const auto plane = fit_logistic(x.index_select(0, seen), y.index_select(0, seen), 2);
  CHECK(share_right(plane.predict(x), y) < 0.95);
}

TEST_CASE("rows that no label reaches are of any class") {
  const auto x = torch::cat({torch::randn({20, 2}), 100 + torch::randn({20, 2})});
  auto known = torch::full({40}, -1, torch::kInt64);
  known[0] = 1;
  const auto p = spread_labels(x, known, 4, 3);
  CHECK(p[0].argmax().item<int64_t>() == 1);
  CHECK((p.narrow(0, 20, 20) - 0.25).abs().max().item<double>() < 1e-6);
}

TEST_CASE("a row is a neighbour where one of its views is") {
  const auto [near, y] = moons(50);
  const auto x = torch::cat({near, near + 100}), view = torch::cat({near, near});
  auto known = torch::full({200}, -1, torch::kInt64);
  known.narrow(0, 0, 100).copy_(y);
  const auto alone = spread_labels(x, known, 2).narrow(0, 100, 100);
  CHECK((alone - 0.5).abs().max().item<double>() < 1e-6);
  const auto p = spread_labels(x, known, 2, 7, {view}).narrow(0, 100, 100);
  CHECK(share_right(p.argmax(1), y) == 1);
}

TEST_CASE("the surest of each class keep it") {
  const auto p = torch::tensor({{.9, .1}, {.6, .4}, {.2, .8}, {.3, .7}, {.1, .9}, {.4, .6}});
  CHECK(torch::equal(surest(p, 1), torch::tensor({0, 0, 1, 1, 1, 1})));
  CHECK(torch::equal(surest(p, 0.5), torch::tensor({0, -1, 1, -1, 1, -1})));
}

TEST_CASE("spreading needs a label and enough rows") {
  const auto unknown = torch::full({30}, -1, torch::kInt64);
  CHECK_THROWS_WITH_AS(spread_labels(torch::randn({30, 2}), unknown, 2),
                       doctest::Contains("none of the rows has a label"), Error);
  CHECK_THROWS_WITH_AS(spread_labels(torch::randn({5, 2}), torch::zeros({5}, torch::kInt64), 2),
                       doctest::Contains("5 rows, more than 7"), Error);
}

}  // namespace
}  // namespace elbo
