#include <doctest/doctest.h>
#include <torch/autograd.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "elbo/data/open.h"
#include "elbo/kernels/bf16.h"
#include "elbo/kernels/pointwise.h"
#include "elbo/nn/bf16.h"
#include "elbo/nn/convolution.h"
#include "elbo/nn/dense.h"
#include "elbo/train/trainer.h"
#include "tolerance.h"

namespace elbo {
namespace {

Tensor rounded_to_bf16(const Tensor& t) { return t.to(torch::kBFloat16).to(torch::kFloat32); }

bool near(const Tensor& a, const Tensor& b, double tolerance) {
  return ((a - b).abs().max() <= tolerance * b.abs().max()).item<bool>();
}

TEST_CASE("numbers round to the nearest bfloat16, ties to even, and NaN stays NaN") {
  const auto x = torch::cat({torch::randn({5000}) * torch::randn({5000}).exp(),
                             torch::tensor({0.0F, -0.0F, INFINITY, -INFINITY, 1.00390625F,
                                            1.01171875F, 3.4e38F, 1e-40F})});
  const auto expected = x.to(torch::kBFloat16), found = as_bf16(x);
  CHECK(std::memcmp(halves_of_floats(found), halves_of_floats(expected), 2 * x.numel()) == 0);
  const auto wrong = as_bf16(torch::tensor({std::nanf(""), -std::nanf("")}));
  CHECK(wrong.to(torch::kFloat32).isnan().all().item<bool>());
  auto wide = torch::empty_like(x);
  widen_from_bf16(halves_of_floats(found), wide.data_ptr<float>(), x.numel());
  CHECK(wide.equal(expected.to(torch::kFloat32)));
}

TEST_CASE("the gradient of an activation in bfloat16 is the float32 one, rounded") {
  for (const auto activation : {Activation::kNone, Activation::kRelu, Activation::kTanh,
                                Activation::kSoftplus, Activation::kGelu}) {
    for (const int64_t n : {int64_t{3}, int64_t{40}, int64_t{700}}) {
      const auto grad = torch::randn({12, n});
      const auto a = rounded_to_bf16(torch::rand({12, n}));
      auto sums = torch::ones({n}), expected_sums = torch::ones({n});
      const auto expected =
          activation_gradient(activation, grad, a, 12, n, expected_sums.data_ptr<float>(), true);
      const auto found =
          bf16_activation_gradient(activation, grad, a, 12, n, sums.data_ptr<float>(), true);
      CHECK(found.to(torch::kFloat32).equal(rounded_to_bf16(expected)));
      CHECK(torch::allclose(sums, expected_sums, 1e-5, 1e-5));
      if (activation == Activation::kGelu) continue;
      const auto narrow =
          bf16_activation_gradient(activation, grad, as_bf16(a), 12, n, nullptr, false);
      CHECK(narrow.equal(found));
    }
  }
}

/// Value and gradients of a function of x and parameters.
std::vector<Tensor> with_gradients(const std::function<Tensor()>& f,
                                   const std::vector<Tensor>& inputs) {
  const auto y = f();
  auto list = torch::autograd::grad({y}, inputs, {torch::ones_like(y) / 3});
  list.insert(list.begin(), y.detach());
  return list;
}

TEST_CASE("dense layers and convolutions by bfloat16 products are near the float32 ones") {
  if (!has_bf16()) return;
  torch::manual_seed(3);
  std::vector<DenseLayer> layers;
  std::vector<Tensor> inputs{torch::randn({33, 50}).requires_grad_()};
  int64_t size = 50;
  for (const auto activation :
       {Activation::kRelu, Activation::kGelu, Activation::kGated, Activation::kNone}) {
    const int64_t rows = activation == Activation::kGated ? 2 * 24 : 24;
    layers.push_back({(torch::randn({rows, size}) / std::sqrt(size)).requires_grad_(),
                      torch::randn({rows}).requires_grad_(), activation});
    inputs.push_back(layers.back().weight);
    inputs.push_back(layers.back().bias);
    size = 24;
  }
  const auto chain = [&] { return dense_chain(inputs[0], layers); };
  const auto expected = with_gradients(chain, inputs);
  // One of the weights has no copy: it is converted when it is met.
  const Bf16Weights weights({layers[0].weight, layers[1].weight, layers[3].weight});
  const auto found = [&] {
    const Bf16Products products(&weights);
    return with_gradients(chain, inputs);
  }();
  for (size_t i = 0; i < found.size(); ++i) {
    CHECK((found[i].scalar_type() == torch::kFloat32));
    CHECK(near(found[i], expected[i], kBf16Relative));
  }
  CHECK_FALSE(found[0].equal(expected[0]));
  for (const bool transposed : {false, true}) {
    // Smooth: beside a kink a rounded sum may lie on the other side.
    ConvolutionPlan plan{6, 8, {4, 4}, {2, 2}, {1, 1}, {0, 0}, transposed, Activation::kTanh};
    const Convolution layer(plan);
    const std::vector<Tensor> all{torch::randn({5, 6, 12, 10}).requires_grad_(), layer.weight,
                                  layer.bias};
    const auto convolved = [&] { return convolve(all[0], all[1], all[2], plan); };
    const auto wide = with_gradients(convolved, all);
    const Bf16Products products(&weights);
    const auto narrow = with_gradients(convolved, all);
    for (size_t i = 0; i < wide.size(); ++i) CHECK(near(narrow[i], wide[i], kBf16Relative));
  }
}

struct Trained {
  double loss = 0;
  Tensor weights;
};

Trained trained_in(const std::string& precision, const std::string& network, int64_t stop = 0) {
  DataOptions reading;
  reading.rows = 256;
  const auto data = open_data("builtin:digits", reading);
  Json spec = default_spec();
  spec["latent"] = {{"type", "flat"}, {"size", 8}};
  spec["encoder"] = spec["decoder"] = {{"type", network}};
  TrainOptions options;
  options.batch = 64;
  options.steps = 20;
  options.precision = precision;
  options.average = 0.9;
  const auto whole = [&] {
    torch::manual_seed(5);
    const auto made = assemble(resolve(spec, data->schemas()), data->schemas(), data->size());
    return std::pair(made.model, std::make_unique<Trainer>(made.model, made.objective, options));
  };
  auto [model, trainer] = whole();
  Trained result;
  Trainer::Hooks hooks;
  hooks.on_step = [&](const Progress& p) {
    result.loss = p.train->values().front().second;
    return stop == 0 || p.step < stop;
  };
  trainer->fit(data, nullptr, hooks);
  if (stop > 0) {
    const auto state = trainer->state();
    std::tie(model, trainer) = whole();
    trainer->restore(state);
    stop = 0;
    trainer->fit(data, nullptr, hooks);
  }
  std::vector<Tensor> all;
  for (const auto& p : model->parameters()) all.push_back(p.detach().flatten());
  result.weights = torch::cat(all);
  return result;
}

TEST_CASE("twenty steps by bfloat16 products lose what float32 ones do, and resume to the bit") {
  if (!has_bf16()) return;
  for (const char* network : {"mlp", "conv"}) {
    const auto wide = trained_in("fp32", network), narrow = trained_in("bf16", network);
    CHECK(std::abs(narrow.loss - wide.loss) < kBf16Loss * std::abs(wide.loss));
    CHECK_FALSE(narrow.weights.equal(wide.weights));
    const auto resumed = trained_in("bf16", network, 9);
    CHECK(resumed.weights.equal(narrow.weights));
    CHECK(resumed.loss == narrow.loss);
  }
}

TEST_CASE("a precision that is not there is refused, an automatic one takes what is there") {
  std::string why;
  const bool there = has_bf16(&why);
  CHECK(why.empty() == there);
  CHECK(chosen_precision("fp32", "train") == "fp32");
  CHECK(chosen_precision("auto", "train") == (there ? "bf16" : "fp32"));
  if (!there) CHECK_THROWS_AS(chosen_precision("bf16", "train"), Error);
  // It is a matter of processors.
  const torch::Device elsewhere(torch::kCUDA, 0);
  CHECK(chosen_precision("auto", "train", elsewhere) == "fp32");
  CHECK_THROWS_WITH_AS(chosen_precision("bf16", "train", elsewhere),
                       doctest::Contains("allowed: fp32, auto"), Error);
}

}  // namespace
}  // namespace elbo
