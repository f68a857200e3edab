#include <ATen/Parallel.h>
#include <doctest/doctest.h>
#include <torch/autograd.h>

#include <set>

#include "elbo/nn/dense.h"
#include "elbo/nn/norm.h"
#include "near.h"
#include "tolerance.h"

using namespace elbo;

namespace {

Tensor leaf(torch::IntArrayRef shape, torch::ScalarType type = torch::kFloat) {
  return torch::randn(shape, type).requires_grad_();
}

// Output and gradients of every input, in float64 by ATen and in the given type by the layer.
void compare_dense(int64_t rows, int64_t in, int64_t out, Activation activation, bool with_bias,
                   torch::ScalarType type, double tolerance) {
  const int64_t units = activation == Activation::kGated ? 2 * out : out;
  const auto x = leaf({rows, in}, torch::kDouble), w = leaf({units, in}, torch::kDouble);
  const auto b = with_bias ? leaf({units}, torch::kDouble) : Tensor();
  const auto g = torch::randn({rows, out}, torch::kDouble);
  auto cast = [&](const Tensor& t) { return t.detach().to(type).requires_grad_(); };
  const auto xf = cast(x), wf = cast(w), bf = with_bias ? cast(b) : Tensor();
  const auto expected = plain_dense(x, w, b, activation);
  const auto found = dense(xf, wf, bf, activation);
  check_near(found.to(torch::kDouble), expected, tolerance);
  expected.backward(g);
  found.backward(g.to(type));
  check_near(xf.grad().to(torch::kDouble), x.grad(), tolerance);
  check_near(wf.grad().to(torch::kDouble), w.grad(), tolerance);
  if (with_bias) check_near(bf.grad().to(torch::kDouble), b.grad(), tolerance);
  torch::NoGradGuard no_grad;
  check_near(dense(xf, wf, bf, activation).to(torch::kDouble), expected, tolerance);
}

}  // namespace

TEST_CASE("a dense layer and its gradients are those of ATen, for every activation and odd sizes") {
  for (const auto& name : activation_names()) {
    CAPTURE(name);
    const auto activation = activation_named(name);
    for (const auto& [rows, in, out] :
         {std::array<int64_t, 3>{1, 1, 1}, {7, 13, 5}, {64, 30, 33}}) {
      CAPTURE(in);
      compare_dense(rows, in, out, activation, true, torch::kFloat, kLayerFloat);
      compare_dense(rows, in, out, activation, false, torch::kFloat, kLayerFloat);
      compare_dense(rows, in, out, activation, true, torch::kDouble, kGoldenDouble);
    }
  }
}

TEST_CASE("a dense layer of a size that takes several threads is the same on two threads") {
  const int before = at::get_num_threads();
  for (int threads : {1, 2}) {
    at::set_num_threads(threads);
    compare_dense(128, 200, 150, Activation::kElu, true, torch::kFloat, kLayerFloat);
    compare_dense(128, 200, 150, Activation::kGated, true, torch::kFloat, kLayerFloat);
  }
  at::set_num_threads(before);
}

TEST_CASE("a dense layer takes any number of axes, and inputs that are not contiguous") {
  const auto x = torch::randn({6, 4, 3}), w = torch::randn({5, 6}), b = torch::randn({5});
  const auto y = dense(x.permute({1, 2, 0}), w, b, Activation::kTanh);
  check_near(y, plain_dense(x.permute({1, 2, 0}), w, b, Activation::kTanh), kLayerFloat);
  CHECK_THROWS_AS(dense(torch::randn({2, 5}), w, b), Error);
  CHECK(dense(torch::randn({0, 6}), w, b).size(0) == 0);
}

TEST_CASE("direct gradients add to what is there, also for a weight used twice") {
  const auto x = leaf({9, 6}), w = leaf({6, 6}), b = leaf({6});
  auto loss = [&] {
    auto h = dense(x, w, b, Activation::kTanh);
    return dense(h, w, b, Activation::kSilu).square().sum();
  };
  loss().backward();
  const auto dx = x.grad().clone(), dw = w.grad().clone(), db = b.grad().clone();
  const auto flat = torch::ones({42});
  w.mutable_grad() = flat.narrow(0, 0, 36).view({6, 6});
  b.mutable_grad() = flat.narrow(0, 36, 6);
  {
    const DirectGradients direct;
    loss().backward();
  }
  check_near(w.grad(), dw + 1, kLayerFloat);
  check_near(flat.narrow(0, 36, 6), db + 1, kLayerFloat);
  check_near(x.grad(), 2 * dx, kLayerFloat);
  CHECK(w.grad().data_ptr() == flat.data_ptr());
  const auto found = torch::autograd::grad({loss()}, {w, b});
  check_near(found[0], dw, kLayerFloat);
}

TEST_CASE("weights that the graph leaves out have the same gradients") {
  const auto x = leaf({9, 6}), w = leaf({6, 6}), b = leaf({6});
  auto loss = [&] {
    return dense(dense(x, w, b, Activation::kTanh), w, b, Activation::kSilu).square().sum();
  };
  const auto expected = torch::autograd::grad({loss()}, {x, w, b});
  w.mutable_grad() = torch::ones_like(w);
  b.mutable_grad() = torch::ones_like(b);
  {
    const DirectGradients direct;
    const auto made = loss();
    // Gradients of something else on the way leave the weights alone.
    check_near(torch::autograd::grad({made}, {x}, {}, true)[0], expected[0], kLayerFloat);
    check_near(w.grad(), torch::ones_like(w), 0);
    made.backward();
  }
  check_near(x.grad(), expected[0], kLayerFloat);
  check_near(w.grad(), expected[1] + 1, kLayerFloat);
  check_near(b.grad(), expected[2] + 1, kLayerFloat);
  Tensor late;
  {
    const DirectGradients direct;
    late = loss();
  }
  CHECK_THROWS(late.backward());
}

TEST_CASE("a frozen weight gets no gradient and a first layer's input none either") {
  const auto x = torch::randn({4, 3});
  auto w = torch::randn({2, 3});
  const auto b = leaf({2});
  {
    const DirectGradients direct;
    dense(x, w, b, Activation::kRelu).sum().backward();
  }
  CHECK(!w.grad().defined());
  CHECK(!x.grad().defined());
  CHECK(b.grad().defined());
}

TEST_CASE("the gradient of a dense layer's gradient is ATen's") {
  for (const auto* name : {"tanh", "softplus", "gelu", "gated", "none"}) {
    CAPTURE(name);
    const auto activation = activation_named(name);
    const int64_t units = activation == Activation::kGated ? 8 : 4;
    const auto x = leaf({5, 3}), w = leaf({units, 3}), b = leaf({units});
    auto penalty = [&](auto layer) {
      const auto dx = torch::autograd::grad({layer(x, w, b, activation).square().sum()}, {x}, {},
                                            torch::nullopt, true)[0];
      return torch::autograd::grad({dx.square().sum()}, {w});
    };
    check_near(penalty(dense)[0], penalty(plain_dense)[0], kLayerFloat);
  }
}

TEST_CASE("a chain of dense layers is one layer after another, with its gradients and theirs") {
  const auto x = leaf({6, 3});
  std::vector<DenseLayer> layers;
  int64_t size = 3;
  for (const auto* name : {"relu", "gated", "gelu", "tanh", "none"}) {
    const auto activation = activation_named(name);
    const int64_t rows = activation == Activation::kGated ? 8 : 4;
    layers.push_back(
        {leaf({rows, size}), name == std::string("tanh") ? Tensor() : leaf({rows}), activation});
    size = 4;
  }
  std::vector<Tensor> leaves{x};
  for (const auto& l : layers) {
    leaves.push_back(l.weight);
    if (l.bias.defined()) leaves.push_back(l.bias);
  }
  const auto one_by_one = [&] {
    auto h = x;
    for (const auto& l : layers) h = plain_dense(h, l.weight, l.bias, l.activation);
    return h;
  };
  const auto a = dense_chain(x, layers), b = one_by_one();
  CHECK_CLOSE(a, b, kLayerFloat);
  const auto found = torch::autograd::grad({a.square().sum()}, leaves, {}, true, true);
  const auto wanted = torch::autograd::grad({b.square().sum()}, leaves, {}, true, true);
  for (size_t i = 0; i < leaves.size(); ++i) check_near(found[i], wanted[i], kLayerFloat);
  const auto penalty = [&](const std::vector<Tensor>& g) {
    return torch::autograd::grad({g[0].square().sum()}, {layers[0].weight})[0];
  };
  check_near(penalty(found), penalty(wanted), kLayerFloat);
  layers[2].weight = leaf({4, 5});
  CHECK_THROWS_AS(dense_chain(x, layers), Error);
}

TEST_CASE("normalised rows have mean zero and unit variance") {
  const auto x = 3 + 2 * torch::randn({32, 24, 5, 3});
  auto norms = [&](const std::string& kind, torch::IntArrayRef axes, torch::IntArrayRef view) {
    Norm norm(kind, 24);
    const auto y = norm.forward(x).reshape(view);
    CHECK(y.mean(axes).abs().max().item<double>() < kUnitMoments);
    CHECK((y.var(axes, false) - 1).abs().max().item<double>() < kUnitMoments);
  };
  norms("batch", {0, 2, 3}, {32, 24, 5, 3});
  norms("layer", {1}, {32, -1});
  norms("group", {1}, {32 * 3, -1});
}

TEST_CASE("batch normalisation learns running statistics, uses them in evaluation") {
  Norm norm("batch", 2);
  const auto x = torch::tensor({{1.0F, 10.0F}, {3.0F, 30.0F}});
  for (int i = 0; i < 200; ++i) norm.forward(x);
  norm.eval();
  const auto y = norm.forward(torch::tensor({{2.0F, 20.0F}}));
  CHECK(y.abs().max().item<double>() < kUnitMoments);
  norm.train();
  CHECK(torch::isfinite(norm.forward(torch::randn({1, 2}))).all().item<bool>());
  CHECK(torch::isfinite(norm.buffers()[1]).all().item<bool>());
}
