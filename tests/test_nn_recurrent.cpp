#include <doctest/doctest.h>

#include "elbo/core/random.h"
#include "elbo/nn/recurrent.h"
#include "elbo/nn/steps.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {

TEST_CASE("a gated unit remembers what libtorch's does") {
  torch::NoGradGuard no_gradient;
  GatedUnit unit(5, 7);
  const auto p = unit.named_parameters();
  const auto x = torch::randn({4, 5}), h = torch::randn({4, 7});
  const auto expected = at::gru_cell(x, h, p["of_input.weight"], p["of_memory.weight"],
                                     p["of_input.bias"], p["of_memory.bias"]);
  CHECK_CLOSE(unit.forward(x, h), expected, kLayerFloat);
  const auto line = unit.report("unit");
  CHECK(line.parameters == 3 * 7 * (5 + 7 + 2));
}

TEST_CASE("a network of steps treats each step alike and by itself") {
  torch::NoGradGuard no_gradient;
  const Json declared{{"type", "mlp"}, {"hidden", {6}}};
  const auto network = make_steps({{3, 4}, {6, 2}, 2}, declared);  // two numbers for each of 3 x 2
  const auto x = torch::randn({5, 3, 4}), c = torch::randn({5, 2});
  const auto y = network->forward(x, c).view({5, 2, 3, 2});  // [B, k, T, columns]
  const auto turned = network->forward(x.flip(1), c).view({5, 2, 3, 2});
  CHECK_CLOSE(turned, y.flip(2), kLayerFloat);
  auto other = x.clone();
  other.select(1, 1).add_(1);
  const auto changed = (network->forward(other, c).view({5, 2, 3, 2}) - y).abs().amax({0, 1, 3});
  CHECK(changed[0].item<double>() == 0);
  CHECK(changed[1].item<double>() > 0);
  CHECK(changed[2].item<double>() == 0);
  CHECK(difference(network->forward(x, c + 1).view({5, 2, 3, 2}), y, 1e-3) != "");
  CHECK_THROWS_WITH_AS(make_steps({{3, 4}, {4}, 0}, declared), doctest::Contains("not a multiple"),
                       Error);
}

}  // namespace elbo
