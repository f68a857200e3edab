#include <doctest/doctest.h>

#include "elbo/core/random.h"
#include "elbo/nn/network.h"
#include "near.h"
#include "tolerance.h"

using namespace elbo;

namespace {

struct Case {
  Shape in, out;
  int64_t condition = 0;
};

const std::vector<Case> kImageCases{
    {{1, 28, 28}, {12}},      {{10}, {1, 28, 28}},       {{3, 27, 31}, {2, 7}, 3},
    {{6}, {3, 27, 31}, 3},    {{1, 5, 7}, {4}},          {{4}, {2, 5, 7}},
    {{2, 1, 40}, {3}},        {{3}, {2, 1, 40}},         {{3, 32, 32}, {4, 8, 8}},
    {{4, 8, 8}, {3, 32, 32}}, {{2, 9, 9}, {3, 4, 5}, 2}, {{3, 4, 5}, {2, 9, 9}, 2},
    {{2, 6, 6}, {3, 6, 6}},   {{2, 5, 5}, {3, 7, 7}},    {{1, 1, 1}, {2}},
    {{2}, {1, 1, 1}},         {{2, 4, 16}, {2, 16, 4}},  {{1, 64, 64}, {8}}};
const std::vector<Case> kVectorCases{{{30}, {7}}, {{5, 3}, {2, 2}, 4}, {{1}, {1}}};

// What every network promises, for one declaration and one shape.
void check_network(const Json& declaration, const Case& shape) {
  CAPTURE(declaration.dump());
  CAPTURE(to_string(shape.in) + " to " + to_string(shape.out));
  const NetworkPlan plan{shape.in, shape.out, shape.condition};
  seed_torch(1);
  const auto network = networks().make(plan, declaration);
  seed_torch(1);
  const auto twin = networks().make(plan, declaration);
  const auto x = torch::randn(with_rows(3, shape.in));
  const auto c = shape.condition ? torch::randn({3, shape.condition}) : Tensor();
  const auto y = network->forward(x, c);
  CHECK(Shape(y.sizes().begin(), y.sizes().end()) == with_rows(3, shape.out));
  CHECK(torch::isfinite(y).all().item<bool>());
  CHECK_CLOSE(twin->forward(x, c), y, 0);
  if (c.defined()) CHECK(difference(network->forward(x, c.roll(1, 0)), y, 1e-6) != "");

  y.square().sum().backward();
  int64_t parameters = 0;
  for (const auto& p : network->named_parameters()) {
    CAPTURE(p.key());
    parameters += p.value().numel();
    CHECK(p.value().grad().defined());
  }
  int64_t reported = 0;
  const auto lines = network->report();
  for (const auto& line : lines) {
    reported += line.parameters;
    CHECK(line.flops >= 0);
  }
  CHECK(reported == parameters);
  CHECK(lines.back().out == shape.out);
}

}  // namespace

TEST_CASE("networks give the shape asked for, and every parameter has a gradient") {
  const std::vector<Json> variants{
      {{"type", "mlp"}},
      {{"type", "mlp"}, {"hidden", {16, 16, 8}}, {"residual", true}, {"norm", "layer"}},
      {{"type", "mlp"}, {"hidden", {9}}, {"activation", "gated"}, {"norm", "batch"}},
      {{"type", "mlp"}, {"hidden", Json::array()}, {"init", "xavier"}}};
  for (const auto& declaration : variants) {
    for (const auto& shape : kVectorCases) check_network(declaration, shape);
    for (const auto& shape : kImageCases) check_network(declaration, shape);
  }
}

TEST_CASE("convolutional networks fit images of any size, to vectors and to images") {
  const std::vector<Json> variants{
      {{"type", "conv"}},
      {{"type", "conv"}, {"channels", {4, 6}}, {"kernel", 3}, {"activation", "gated"}},
      {{"type", "conv"}, {"channels", {8}}, {"norm", "group"}, {"residual", 2}, {"init", "he"}},
      {{"type", "conv"},
       {"channels", {4}},
       {"kernel", 5},
       {"norm", "batch"},
       {"hidden", {11}},
       {"activation", "gated"}}};
  for (const auto& declaration : variants) {
    for (const auto& shape : kImageCases) check_network(declaration, shape);
  }
}

TEST_CASE("a U-Net goes from an image to one of its size") {
  const std::vector<Json> variants{
      {{"type", "unet"}},
      {{"type", "unet"}, {"channels", {6}}, {"norm", "none"}},
      {{"type", "unet"}, {"channels", {4, 6, 8}}, {"residual", 2}, {"activation", "gated"}},
      {{"type", "unet"}, {"channels", {4, 4}}, {"residual", 0}, {"init", "he"}}};
  const std::vector<Case> cases{{{2, 6, 6}, {3, 6, 6}, 2},
                                {{1, 5, 7}, {1, 5, 7}},
                                {{2, 1, 40}, {1, 1, 40}, 3},
                                {{3, 27, 31}, {1, 27, 31}}};
  for (const auto& declaration : variants) {
    for (const auto& shape : cases) check_network(declaration, shape);
  }
}

TEST_CASE("every registered network keeps its promise with its default options") {
  for (const auto& entry : networks().entries()) {
    if (entry.name == "identity") continue;    // learns nothing
    const bool rows = entry.name == "blocks";  // reads rows of classes alone
    check_network({{"type", entry.name}}, rows ? Case{{3, 6}, {3, 4}} : Case{{2, 6, 6}, {3, 6, 6}});
  }
}

TEST_CASE("the report counts parameters and products as by hand") {
  const auto mlp =
      networks().make(NetworkPlan{{784}, {40}, 0}, {{"type", "mlp"}, {"hidden", {400}}});
  const auto lines = mlp->report();
  CHECK(lines[0].parameters == 784 * 400 + 400);
  CHECK(lines[0].flops == 2 * 784 * 400);
  CHECK(lines[1].flops == 2 * 400 * 40);
  const auto conv = networks().make(NetworkPlan{{1, 28, 28}, {40}, 0}, "conv");
  CHECK(conv->report()[0].parameters == 32 * 16 + 32);
  CHECK(conv->report()[0].flops == 2 * 32 * 16 * 14 * 14);
  CHECK(conv->report()[0].out == Shape{32, 14, 14});
}

TEST_CASE("dropout is for training only") {
  const auto net = networks().make(NetworkPlan{{20}, {20}, 0}, {{"type", "mlp"}, {"dropout", 0.5}});
  const auto x = torch::randn({4, 20});
  CHECK(difference(net->forward(x), net->forward(x), 0) != "");
  net->eval();
  CHECK_CLOSE(net->forward(x), net->forward(x), 0);
}

TEST_CASE("networks refuse what they cannot be") {
  auto make = [](const Json& declaration, const Shape& in) {
    return networks().make(NetworkPlan{in, {3}, 0}, declaration);
  };
  CHECK_THROWS_AS(make("conv", {5}), Error);
  CHECK_THROWS_AS(make({{"type", "conv"}, {"channels", {0}}}, {1, 8, 8}), Error);
  CHECK_THROWS_AS(make("unet", {1, 8, 8}), Error);
  CHECK_THROWS_AS(networks().make(NetworkPlan{{1, 8, 8}, {1, 8, 4}}, "unet"), Error);
  const Json too_deep{{"type", "unet"}, {"channels", {2, 2, 2}}};
  CHECK_THROWS_AS(networks().make(NetworkPlan{{1, 2, 2}, {1, 2, 2}}, too_deep), Error);
  CHECK_THROWS_AS(make({{"type", "mlp"}, {"activation", "relux"}}, {5}), Error);
  CHECK_THROWS_AS(make({{"type", "mlp"}, {"hidden", {0}}}, {5}), Error);
  CHECK_THROWS_AS(make({{"type", "mlp"}, {"norm", "group"}}, {5}), Error);
  CHECK_THROWS_AS(make({{"type", "mlp"}, {"droput", 0.1}}, {5}), Error);
}
