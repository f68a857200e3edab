#include <ATen/Parallel.h>
#include <doctest/doctest.h>
#include <torch/autograd.h>

#include "elbo/nn/convolution.h"
#include "near.h"
#include "tolerance.h"

using namespace elbo;

namespace {

// Output and all gradients, in float64 by ATen and in the given type by the layer.
void compare(const ConvolutionPlan& plan, const Shape& input, int64_t rows, bool with_bias,
             torch::ScalarType type, double tolerance) {
  Convolution layer(plan, with_bias);
  auto twin = [](const Tensor& t) { return t.detach().to(torch::kDouble).requires_grad_(); };
  const auto x = torch::randn(with_rows(rows, input), torch::kDouble).requires_grad_();
  const auto w = twin(layer.weight), b = with_bias ? twin(layer.bias) : Tensor();
  const auto xt = x.detach().to(type).requires_grad_();
  layer.to(type);
  const auto expected = plain_convolve(x, w, b, plan);
  const auto found = layer.forward(xt);
  REQUIRE(Shape(found.sizes().begin() + 1, found.sizes().end()) == plan.output(input));
  check_near(found, expected, tolerance);
  const auto g = torch::randn_like(expected);
  expected.backward(g);
  found.backward(g.to(type));
  check_near(xt.grad(), x.grad(), tolerance);
  check_near(layer.weight.grad(), w.grad(), tolerance);
  if (with_bias) check_near(layer.bias.grad(), b.grad(), tolerance);
  torch::NoGradGuard no_grad;
  check_near(layer.forward(xt), expected, tolerance);
}

const std::vector<ConvolutionPlan> kPlans{
    {1, 32, {4, 4}, {2, 2}, {1, 1}},
    {3, 5, {3, 3}, {1, 1}, {1, 1}},
    {6, 16, {3, 1}, {2, 1}, {1, 0}},
    {16, 3, {4, 4}, {2, 2}, {1, 1}, {0, 0}, true},
    {7, 1, {3, 3}, {2, 2}, {1, 1}, {1, 1}, true},
    {5, 6, {4, 3}, {3, 2}, {1, 1}, {2, 0}, true},
    {8, 8, {1, 1}, {1, 1}, {0, 0}},
};

}  // namespace

TEST_CASE("convolutions, transposed ones too, and their gradients are those of ATen") {
  for (const auto& plan : kPlans) {
    for (const Shape& size : {Shape{9, 9}, {6, 11}, {4, 5}}) {
      const Shape input{plan.in, size[0], size[1]};
      CAPTURE(to_string(input));
      CAPTURE(plan.transposed);
      compare(plan, input, 3, true, torch::kFloat, kLayerFloat);
      compare(plan, input, 2, false, torch::kFloat, kLayerFloat);
      compare(plan, input, 2, true, torch::kDouble, kGoldenDouble);
    }
  }
}

TEST_CASE("every activation of a convolution and of a transposed one is ATen's") {
  for (const auto& name : activation_names()) {
    CAPTURE(name);
    for (auto plan : {kPlans[1], kPlans[3]}) {
      plan.activation = activation_named(name);
      compare(plan, {plan.in, 7, 8}, 4, true, torch::kFloat, kLayerFloat);
    }
  }
}

TEST_CASE("a convolution of a size that takes several threads is the same on two threads") {
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  for (auto plan : {kPlans[0], kPlans[3]}) {
    plan.activation = Activation::kElu;
    compare(plan, {plan.in, 14, 13}, 33, true, torch::kFloat, kLayerFloat);
  }
  at::set_num_threads(before);
}

TEST_CASE("a convolution by way of tiles, and its gradients, are ATen's, alike on any threads") {
  const int before = at::get_num_threads();
  for (const auto& size :
       {std::array<int64_t, 4>{16, 32, 9, 13}, {48, 16, 4, 4}, {32, 32, 17, 2}}) {
    ConvolutionPlan plan{size[0], size[1], {3, 3}, {1, 1}, {1, 1}};
    const Shape input{plan.in, size[2], size[3]};
    CAPTURE(to_string(input));
    compare(plan, input, 40, true, torch::kFloat, kTiledFloat);
    plan.activation = Activation::kElu;
    compare(plan, input, 40, false, torch::kFloat, kTiledFloat);
    Convolution layer(plan);
    const auto x = torch::randn(with_rows(33, input)).requires_grad_();
    std::vector<Tensor> inputs{x, layer.weight, layer.bias};
    const auto g = torch::randn(with_rows(33, plan.output(input)));
    const auto on = [&](int threads) {
      at::set_num_threads(threads);
      auto all = torch::autograd::grad({layer.forward(x)}, inputs, {g});
      all.push_back(layer.forward(x).detach());
      return all;
    };
    const auto one = on(1), two = on(2);
    for (const size_t i : {0, 1, 3}) CHECK(one[i].equal(two[i]));
  }
  at::set_num_threads(before);
}

TEST_CASE("a convolution adds direct gradients to what is there") {
  Convolution down({3, 16, {4, 4}, {2, 2}, {1, 1}, {}, false, Activation::kRelu});
  Convolution tiled({16, 32, {3, 3}, {1, 1}, {1, 1}});
  Convolution up({32, 3, {4, 4}, {2, 2}, {1, 1}, {}, true, Activation::kTanh});
  const auto x = torch::randn({40, 3, 8, 6});
  auto loss = [&] { return up.forward(tiled.forward(down.forward(x))).square().sum(); };
  std::vector<Tensor> all{down.weight, down.bias, tiled.weight, tiled.bias, up.weight, up.bias};
  const auto expected = torch::autograd::grad({loss()}, all);
  for (auto& p : all) p.mutable_grad() = torch::ones_like(p);
  const DirectGradients direct;
  loss().backward();
  for (size_t i = 0; i < all.size(); ++i) check_near(all[i].grad(), expected[i] + 1, kLayerFloat);
}

TEST_CASE("the gradient of a convolution's gradient is ATen's") {
  for (auto plan : {kPlans[1], kPlans[3]}) {
    plan.activation = Activation::kSoftplus;
    Convolution layer(plan);
    const auto x = torch::randn({2, plan.in, 6, 5}).requires_grad_();
    auto penalty = [&](auto f) {
      const auto y = f(x, layer.weight, layer.bias, plan);
      const auto dx = torch::autograd::grad({y.square().sum()}, {x}, {}, torch::nullopt, true)[0];
      return torch::autograd::grad({dx.square().sum()}, {layer.weight})[0];
    };
    check_near(penalty(convolve), penalty(plain_convolve), kLayerFloat);
  }
}

TEST_CASE("a convolution refuses what does not fit") {
  Convolution layer({3, 4, {4, 4}, {2, 2}, {1, 1}});
  CHECK_THROWS_AS(layer.forward(torch::randn({1, 2, 8, 8})), Error);
  CHECK_THROWS_AS(layer.forward(torch::randn({1, 3, 1, 8})), Error);
  CHECK_THROWS_AS(layer.forward(torch::randn({3, 8, 8})), Error);
}
