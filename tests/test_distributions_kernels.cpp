#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "elbo/distributions/continuous.h"
#include "elbo/distributions/discrete.h"
#include "elbo/kernels/arithmetic.h"
#include "elbo/kernels/vector.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

using Inputs = std::vector<Tensor>;
using RowFunction = std::function<Tensor(const Inputs&)>;

/// Value, gradient and gradient of the gradient of a fused form in float32 are those of the
/// readable form in float64.
void check_equal(const RowFunction& fused, const RowFunction& readable, const Inputs& inputs,
                 double second_tolerance = kFused) {
  const auto results = [&](const RowFunction& f, torch::ScalarType type) {
    Inputs leaves;
    for (const auto& input : inputs) {
      leaves.push_back(input.to(type, false, true).detach().requires_grad_());
    }
    auto rows = f(leaves);
    const auto weights = torch::linspace(-1, 2, rows.numel(), rows.options());
    auto first = torch::autograd::grad({rows}, leaves, {weights});
    auto again = f(leaves);
    auto graph = torch::autograd::grad({again}, leaves, {weights}, true, true);
    Tensor squares;
    for (const auto& g : graph)
      squares = squares.defined() ? squares + g.square().sum() : g.square().sum();
    auto second = torch::autograd::grad({squares}, leaves);
    Inputs all{rows};
    all.insert(all.end(), first.begin(), first.end());
    all.insert(all.end(), second.begin(), second.end());
    return all;
  };
  const auto a = results(fused, torch::kFloat32), b = results(readable, torch::kFloat64);
  for (size_t i = 0; i < a.size(); ++i) {
    CAPTURE(i);
    // Against the size of the whole tensor: sums of large terms keep their absolute error.
    const double size = std::max(1.0, b[i].abs().max().item<double>());
    CHECK_CLOSE(a[i] / size, b[i] / size, i > inputs.size() ? second_tolerance : kFused);
  }
}

Tensor some_mask(const Tensor& like) {
  return (torch::rand(like.sizes()) < 0.7).to(torch::kFloat32);
}

TEST_CASE("the exponential agrees with the library's to a unit in the last place") {
  for (double x = -87; x < 88.3; x += 0.0137) {
    const auto rounded = static_cast<float>(x);
    const double exact = std::exp(static_cast<double>(rounded));
    CHECK(std::abs(kernels::fast_exp(rounded) / exact - 1) < kFastExp);
  }
  CHECK(kernels::fast_exp(0) == 1);
  for (const float low : {-88.0F, -1000.0F, -INFINITY}) {
    CHECK(kernels::fast_exp(low) > 0);
    CHECK(kernels::fast_exp(low) < 2e-38F);
  }
  for (const float high : {89.0F, 1000.0F, INFINITY}) CHECK(std::isinf(kernels::fast_exp(high)));
  CHECK(std::isnan(kernels::fast_exp(NAN)));
}

TEST_CASE("log(1 + e) on the unit interval agrees with the library's") {
  for (double e = 0; e <= 1; e += 0.00137) {
    const auto rounded = static_cast<float>(e);
    const double exact = std::log1p(static_cast<double>(rounded));
    CHECK(std::abs(kernels::fast_log1p(rounded) - exact) <= 2 * kFastExp * exact);
  }
}

TEST_CASE("fused Bernoulli rows are the readable form") {
  for (int64_t width : {1, 3, 16, 37, 784}) {
    for (bool masked : {false, true}) {
      CAPTURE(width);
      CAPTURE(masked);
      const auto logits = 6 * torch::randn({5, width});
      logits[0][0] = 0;
      logits[1][0] = 90;
      logits[2][0] = -90;
      const auto x = torch::rand({5, width});
      x[0].round_();
      const auto mask = masked ? some_mask(x) : Tensor();
      check_equal([&](const Inputs& in) { return Bernoulli(in[0]).row_log_prob(x, mask); },
                  [&](const Inputs& in) {
                    return row_sum(Bernoulli(in[0]).log_prob(x.to(torch::kFloat64)), mask);
                  },
                  {logits});
      check_equal(
          [&](const Inputs& in) { return ContinuousBernoulli(in[0]).row_log_prob(x, mask); },
          [&](const Inputs& in) {
            return row_sum(ContinuousBernoulli(in[0]).log_prob(x.to(torch::kFloat64)), mask);
          },
          {logits}, kSecondDerivativeFloat);
    }
  }
}

TEST_CASE("fused normal rows are the readable form, with a scale per element, per row or shared") {
  for (const Shape& scale_shape : {Shape{5, 33}, Shape{1}, Shape{33}}) {
    for (bool masked : {false, true}) {
      CAPTURE(scale_shape.size());
      CAPTURE(masked);
      const auto x = torch::randn({5, 33}), loc = torch::randn({5, 33});
      const auto mask = masked ? some_mask(x) : Tensor();
      const auto scale = 0.5 * torch::randn(scale_shape);
      const auto wide = [](const Tensor& s) { return s.numel() == 33 ? s.expand({5, 33}) : s; };
      check_equal(
          [&](const Inputs& in) {
            return Normal(in[1], Log(wide(in[2]))).row_log_prob(in[0], mask);
          },
          [&](const Inputs& in) {
            return row_sum(Normal(in[1], Log(in[2])).log_prob(in[0]), mask);
          },
          {x, loc, scale});
    }
  }
}

TEST_CASE("fused KL to the standard normal is the readable form, also of a chunk") {
  const StandardNormal p({20});
  const auto h = torch::randn({7, 40});
  check_equal(
      [&](const Inputs& in) {
        const auto parts = in[0].chunk(2, 1);
        return *kl(Normal(parts[0], Log(parts[1])), p);
      },
      [&](const Inputs& in) {
        const auto parts = in[0].chunk(2, 1);
        return row_sum(*kl_components(Normal(parts[0], Log(parts[1])), p));
      },
      {h});
}

TEST_CASE("halves are a chunk and a clamp, their mean is the mean") {
  for (const Shape& shape : {Shape{6, 8}, Shape{3, 4, 2, 5}, Shape{5, 2}}) {
    CAPTURE(shape);
    const auto rows = [](const Tensor& one, const Tensor& two) {
      return row_sum(one.tanh() * two.exp());
    };
    check_equal(
        [&](const Inputs& in) {
          const auto [one, two] = kernels::halves(in[0], -0.5, 0.75);
          return rows(one, two) + kernels::mean(one * two, -3);
        },
        [&](const Inputs& in) {
          const auto parts = in[0].chunk(2, 1);
          const auto two = parts[1].clamp(-0.5, 0.75);
          return rows(parts[0], two) - 3 * (parts[0] * two).mean();
        },
        {torch::randn(shape)});
  }
  // A half that nobody uses; what is not a number stays visible.
  const auto h = torch::randn({4, 6}).requires_grad_();
  kernels::halves(h, -1, 1).second.sum().backward();
  CHECK(h.grad().narrow(1, 0, 3).abs().max().item<float>() == 0);
  CHECK(h.grad().narrow(1, 3, 3).sum().item<float>() > 0);
  CHECK(kernels::halves(torch::full({2, 2}, NAN), -1, 1).second.isnan().all().item<bool>());
}

TEST_CASE("standardised rows, with and without a gradient") {
  const auto x = 4 * torch::randn({7, 3, 5}), loc = torch::randn({1, 3, 5});
  const auto scale = torch::rand({1, 3, 5}) + 0.1;
  const auto expected = (x - loc) / scale;
  CHECK_CLOSE(kernels::standardise(x, loc, scale), expected, kFused);
  CHECK_CLOSE(kernels::standardise(x, loc.narrow(1, 0, 1), scale),
              (x - loc.narrow(1, 0, 1)) / scale, kFused);
  const auto leaf = x.clone().requires_grad_();
  kernels::standardise(leaf, loc, scale).sum().backward();
  CHECK_CLOSE(leaf.grad(), scale.reciprocal().expand_as(x), kFused);
}

TEST_CASE("a fused draw is loc + exp(log_scale) eps with that gradient") {
  const auto loc = torch::randn({6, 4}).requires_grad_();
  const auto log_scale = torch::randn({6, 4}).requires_grad_();
  torch::manual_seed(5);
  const auto z = Normal(loc, Log(log_scale)).sample();
  torch::manual_seed(5);
  const auto direct = loc + log_scale.exp() * torch::randn({6, 4});
  CHECK_CLOSE(z, direct, kFused);
  const auto weight = torch::randn({6, 4});
  for (bool twice : {false, true}) {
    const auto a = torch::autograd::grad({z}, {loc, log_scale}, {weight}, true, twice);
    const auto b = torch::autograd::grad({direct}, {loc, log_scale}, {weight}, true, twice);
    CHECK_CLOSE(a[0], b[0], kFused);
    CHECK_CLOSE(a[1], b[1], kFused);
    if (!twice) continue;
    const auto second = torch::autograd::grad({a[1].square().sum()}, {log_scale}, {}, true)[0];
    const auto wanted = torch::autograd::grad({b[1].square().sum()}, {log_scale}, {}, true)[0];
    CHECK_CLOSE(second, wanted, 10 * kFused);
  }
}

/// The readable form of a normal whose parameters are halves of h.
Normal apart(const Tensor& h, double low, double high) {
  const auto parts = h.chunk(2, 1);
  return {parts[0], Log(parts[1].clamp(low, high))};
}

TEST_CASE("a normal of a network's whole output is the one of its halves") {
  constexpr double kLow = -0.5, kHigh = 0.75;
  for (const Shape& shape : {Shape{6, 8}, Shape{3, 4, 2, 5}}) {
    CAPTURE(shape);
    const auto h = torch::randn(shape);
    const auto x = torch::randn(apart(h, kLow, kHigh).shape());
    const StandardNormal p(Shape(x.sizes().slice(1).vec()));
    for (const auto& mask : {Tensor(), some_mask(x)}) {
      check_equal(
          [&](const Inputs& in) { return Normal(in[1], kLow, kHigh).row_log_prob(in[0], mask); },
          [&](const Inputs& in) {
            return row_sum(apart(in[1], kLow, kHigh).log_prob(in[0]), mask);
          },
          {x, h});
    }
    check_equal(
        [&](const Inputs& in) { return *kl(Normal(in[0], kLow, kHigh), p); },
        [&](const Inputs& in) { return row_sum(*kl_components(apart(in[0], kLow, kHigh), p)); },
        {h});
    const auto a = h.clone().requires_grad_(), b = h.clone().requires_grad_();
    const auto weight = torch::randn(x.sizes());
    const auto draw = [&](const Normal& q, const Tensor& leaf, bool twice) {
      torch::manual_seed(5);
      return torch::autograd::grad({q.sample()}, {leaf}, {weight}, true, twice)[0];
    };
    for (bool twice : {false, true}) {
      CHECK_CLOSE(draw(Normal(a, kLow, kHigh), a, twice), draw(apart(b, kLow, kHigh), b, twice),
                  kFused);
    }
  }
}

TEST_CASE("halves that are first asked for without a gradient have one for the next") {
  const auto h = torch::randn({4, 6}).requires_grad_();
  const Normal q(h, -1, 1);
  {
    const torch::NoGradGuard no_gradient;
    CHECK_CLOSE(q.mean(), h.narrow(1, 0, 3), 0);
  }
  (q.loc().sum() + q.log_scale().sum()).backward();
  CHECK(h.grad().narrow(1, 0, 3).min().item<float>() == 1);
}

TEST_CASE("a sum with a factor, of equal shapes, of a constant, of what broadcasts") {
  const auto a = torch::randn({5}), b = torch::randn({5});
  const auto constant = torch::full({1}, 3.0f);
  check_equal(
      [&](const Inputs& in) {
        return kernels::plus(kernels::plus(in[0], in[1], -2), constant.to(in[0].options()), 0.5)
            .square();
      },
      [&](const Inputs& in) { return (in[0] - 2 * in[1] + 1.5).square(); }, {a, b});
  const auto wide = kernels::plus(torch::ones({2, 1}), torch::ones({3}), 2);
  CHECK(wide.sizes() == torch::IntArrayRef({2, 3}));
}

TEST_CASE("what a mask hides may be NaN and leaves no trace in a fused gradient") {
  const auto logits = torch::randn({4, 9}).requires_grad_();
  auto x = torch::rand({4, 9});
  x[1][3] = NAN;
  auto mask = torch::ones({4, 9});
  mask[1][3] = 0;
  for (int which : {0, 1}) {
    const auto rows = which ? Normal(logits, Log(torch::zeros({1}))).row_log_prob(x, mask)
                            : Bernoulli(logits).row_log_prob(x, mask);
    const auto grad = torch::autograd::grad({rows.sum()}, {logits})[0];
    CHECK(rows.isfinite().all().item<bool>());
    CHECK(grad.isfinite().all().item<bool>());
    CHECK(grad[1][3].item<float>() == 0);
  }
}

TEST_CASE("NaN logits are not hidden, other types and shapes take the readable form") {
  auto logits = torch::zeros({3, 4});
  logits[1][2] = NAN;
  const auto x = torch::ones({3, 4});
  const auto rows = Bernoulli(logits).row_log_prob(x);
  CHECK(std::isnan(rows[1].item<float>()));
  CHECK_FALSE(std::isnan(rows[0].item<float>()));

  const auto wide = torch::randn({3, 4}, torch::kFloat64);
  CHECK_CLOSE(Bernoulli(wide).row_log_prob(x), row_sum(Bernoulli(wide).log_prob(x)), 0);
  const auto turned = torch::randn({4, 3}).t();
  CHECK_CLOSE(Bernoulli(turned).row_log_prob(x), row_sum(Bernoulli(turned).log_prob(x)), kFused);
  const auto row = torch::randn({4});
  CHECK_CLOSE(Bernoulli(row).row_log_prob(x), row_sum(Bernoulli(row).log_prob(x)), kFused);
}

TEST_CASE("a second backward through a kept graph gives the same gradient") {
  const auto logits = torch::randn({4, 9}).requires_grad_();
  const auto rows = Bernoulli(logits).row_log_prob(torch::rand({4, 9})).sum();
  const auto a = torch::autograd::grad({rows}, {logits}, {}, true)[0].clone();
  CHECK_CLOSE(torch::autograd::grad({rows}, {logits})[0], a, 0);
}

}  // namespace
}  // namespace elbo
