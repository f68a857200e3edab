#include <cmath>

#include "elbo/eval/cell_forest.h"
#include "elbo/eval/linear.h"
#include "files.h"
#include "near.h"

namespace elbo {
namespace {

/// [n, 5] of which the first two tell the class by their signs, and no line does: [n].
std::pair<Tensor, Tensor> crossed(int64_t n, uint64_t seed) {
  torch::manual_seed(seed);
  const auto x = torch::randn({n, 5});
  return {x, (x.select(1, 0) * x.select(1, 1) > 0).to(torch::kInt64)};
}

TEST_CASE("a forest tells apart what no line does, and comes back from what is kept of it") {
  const auto [x, y] = crossed(400, 1);
  const auto [other, truth] = crossed(400, 2);
  const Forest forest(x, y, 2);
  const auto p = forest.probabilities(other);
  CHECK((p.sum(1) - 1).abs().max().item<double>() < 1e-6);
  CHECK(accuracy(p.argmax(1), truth) > 0.9);
  CHECK(accuracy(fit_logistic(x, y, 2).predict(other), truth) < 0.65);
  CHECK(torch::equal(Forest(forest.nodes()).probabilities(other), p));
  CHECK(torch::equal(Forest(x, y, 2).nodes(), forest.nodes()));
}

TEST_CASE("scales of numbers do not matter to a forest, and a missing cell is a value of its own") {
  auto [x, y] = crossed(200, 3);
  const auto p = Forest(x, y, 2).probabilities(x).argmax(1);
  CHECK(torch::equal(Forest(x * 1e6, y, 2).probabilities(x * 1e6).argmax(1), p));
  x = torch::rand({60, 1});
  y = torch::arange(60).remainder(2);
  x.masked_fill_(y.unsqueeze(1) == 1, NAN);
  CHECK(torch::equal(Forest(x, y, 2).probabilities(x).argmax(1), y));
}

TEST_CASE("rows that are all alike have the shares of their classes") {
  const auto y = torch::tensor({0, 0, 0, 2});
  const auto p = Forest(torch::ones({4, 3}), y, 3).probabilities(torch::zeros({1, 3}))[0];
  CHECK(std::abs(p[0].item<double>() - 0.75) < 0.1);
  CHECK(p[1].item<double>() == 0);
}

TEST_CASE("nodes that are not a forest's are refused") {
  const auto nodes = Forest(torch::rand({20, 2}), torch::arange(20).remainder(2), 2).nodes();
  auto loop = nodes.clone();
  loop.select(1, 3).fill_(0);
  auto open = nodes.slice(0, 0, 1).clone();
  CHECK(error_of([&] { Forest forest(loop); }).find("expected trees") != std::string::npos);
  CHECK(error_of([&] { Forest forest(open); }).find("expected trees") != std::string::npos);
  CHECK(error_of([&] { Forest forest(nodes.narrow(1, 0, 4)); }).find("shape") != std::string::npos);
  const Forest forest(nodes);
  CHECK(error_of([&] {
          forest.probabilities(torch::rand({3, 1}));
        }).find("rows of 1 values") != std::string::npos);
}

TEST_CASE("folds ask about each labelled row once, without its label") {
  const auto y = torch::tensor({1, -1, 0, 1, -1, 0, 1, 1, 0});
  auto seen = torch::zeros({9}, torch::kInt64);
  const auto found = errors_by_folds(y, [&](const Tensor& told, const Tensor& asked) {
    CHECK(told.size(0) + asked.size(0) == 7);
    CHECK_FALSE((told.unsqueeze(1) == asked).any().item<bool>());
    seen.index_add_(0, asked, torch::ones_like(asked));
    return torch::tensor({{0.25, 0.75}}).repeat({asked.size(0), 1});
  });
  CHECK(torch::equal(seen, (y >= 0).to(torch::kInt64)));
  CHECK(found.wrong == doctest::Approx(3.0 / 7));
  CHECK(found.doubt == doctest::Approx((3 * 0.75 + 4 * 0.25) / 7));
  CHECK(FoldErrors{0.2, 0.9} < FoldErrors{0.3, 0.1});
  CHECK(FoldErrors{0.3, 0.1} < FoldErrors{0.3, 0.2});
  const auto [x, classes] = crossed(100, 4);
  CHECK(errors_of_forest(x, classes, 2).wrong < 0.35);
}

}  // namespace
}  // namespace elbo
