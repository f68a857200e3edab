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

TEST_CASE("a convolution adds direct gradients to what is there") {
  Convolution down({3, 8, {4, 4}, {2, 2}, {1, 1}, {}, false, Activation::kRelu});
  Convolution up({8, 3, {4, 4}, {2, 2}, {1, 1}, {}, true, Activation::kTanh});
  const auto x = torch::randn({5, 3, 8, 6});
  auto loss = [&] { return up.forward(down.forward(x)).square().sum(); };
  std::vector<Tensor> all{down.weight, down.bias, up.weight, up.bias};
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
