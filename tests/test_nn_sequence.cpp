#include <doctest/doctest.h>
#include <torch/autograd.h>

#include "elbo/core/random.h"
#include "elbo/nn/gradients.h"
#include "elbo/nn/gru.h"
#include "elbo/nn/sequence.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

constexpr int64_t kSteps = 7, kIn = 5, kContext = 3;

Tensor lengths() { return torch::tensor({3, 7, 1, 5, 5, 2, 6, 7, 4, 1}); }

/// [B, steps, 1] 1 where a row has a step.
Tensor there() {
  return (torch::arange(kSteps) < lengths().unsqueeze(1)).unsqueeze(2).to(torch::kFloat32);
}

std::shared_ptr<SequenceNetwork> network(const std::string& name, int64_t context = kContext) {
  Json declared{{"type", name}, {"layers", 2}};
  declared[name == "transformer" ? "features" : "hidden"] = 8;
  return sequence_networks().make({kIn, kSteps, context}, declared);
}

/// The arguments of gru(), all differentiable.
std::vector<Tensor> gru_arguments(const Packing& packing, int64_t width) {
  std::vector<Tensor> list;
  for (const Shape& shape : {Shape{packing.size(), 3 * width},
                             {packing.batch(), 3 * width},
                             {packing.batch(), width},
                             {3 * width, width},
                             {3 * width}}) {
    list.push_back((0.7 * torch::randn(shape)).requires_grad_());
  }
  return list;
}

TEST_CASE("packed rows are found again, from both ends") {
  const Packing packing(lengths(), kSteps);
  const auto x = torch::randn({lengths().size(0), kSteps, kIn});
  CHECK_CLOSE(packing.padded(packing.packed(x)) * there(), x * there(), 0);
  const auto last = packing.last(packing.packed(x)),
             first = packing.last(packing.packed_backwards(x));
  for (int64_t i = 0; i < lengths().size(0); ++i) {
    CHECK_CLOSE(last[i], x[i][lengths()[i].item<int64_t>() - 1], 0);
    CHECK_CLOSE(first[i], x[i][0], 0);
  }
  CHECK_CLOSE(packing.mean(packing.packed(x)), (x * there()).sum(1) / there().sum(1), kLayerFloat);
  CHECK_THROWS_WITH_AS(Packing(torch::tensor({3, 0}), 4), doctest::Contains("no step"), Error);
  CHECK_THROWS_WITH_AS(Packing(torch::tensor({3, 5}), 4), doctest::Contains("more than 4"), Error);
}

TEST_CASE("fused recurrent units have the value and the gradient of the readable ones") {
  const Packing packing(lengths(), kSteps);
  const auto arguments = gru_arguments(packing, 6);
  const auto of = [&](const auto& f, bool with_context) {
    const auto none = Tensor();
    const auto y = f(arguments[0], with_context ? arguments[1] : none, arguments[2], arguments[3],
                     arguments[4], packing.rows());
    auto wanted = arguments;
    if (!with_context) wanted.erase(wanted.begin() + 1);
    // Only what belongs to a row counts.
    const auto loss =
        (packing.padded(y) * there()).square().sum() + packing.last(y).select(1, 0).sum();
    auto found = torch::autograd::grad({loss}, wanted);
    found.push_back(packing.padded(y) * there());
    return found;
  };
  for (const bool with_context : {true, false}) {
    const auto fused = of(fast_gru, with_context), readable = of(plain_gru, with_context);
    for (size_t i = 0; i < fused.size(); ++i) check_near(fused[i], readable[i], kLayerFloat);
  }
}

TEST_CASE("fused recurrent units write the gradients of their weights where they are kept") {
  const Packing packing(lengths(), kSteps);
  const auto arguments = gru_arguments(packing, 4);
  const auto loss = [&] {
    const auto y =
        gru(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], packing.rows());
    return (packing.padded(y) * there()).square().sum();
  };
  const auto expected = torch::autograd::grad({loss()}, {arguments[3], arguments[4]});
  for (size_t i : {3, 4}) arguments[i].mutable_grad() = torch::ones_like(arguments[i]);
  {
    const DirectGradients direct;
    loss().backward();
  }
  for (size_t i : {0, 1}) check_near(arguments[3 + i].grad(), expected[i] + 1, kLayerFloat);
}

TEST_CASE("a gated unit over packed rows remembers what libtorch's does") {
  torch::NoGradGuard no_gradient;
  const Packing packing(torch::full({4}, 3, torch::kInt64), 3);
  const auto arguments = gru_arguments(packing, 5);
  const auto unit = torch::eye(15), zero = torch::zeros({15});
  auto h = packing.sorted(arguments[2]);
  const auto y = gru(arguments[0], Tensor(), h, arguments[3], arguments[4], packing.rows());
  for (int64_t t = 0; t < 3; ++t) {
    h = at::gru_cell(arguments[0].narrow(0, 4 * t, 4), h, unit, arguments[3], zero, arguments[4]);
    CHECK_CLOSE(y.narrow(0, 4 * t, 4), h, kLayerFloat);
  }
}

TEST_CASE("sequence networks give step by step what they give at once, and look at no later step") {
  torch::NoGradGuard no_gradient;
  for (const auto& entry : sequence_networks().entries()) {
    for (const int64_t context : {int64_t{0}, kContext}) {
      CAPTURE(entry.name);
      CAPTURE(context);
      const auto net = network(entry.name, context);
      const int64_t rows = lengths().size(0);
      const Packing packing(lengths(), kSteps);
      const auto x = torch::randn({rows, kSteps, kIn});
      const auto c = context > 0 ? torch::randn({rows, context}) : Tensor();
      const auto whole = packing.padded(net->forward(packing.packed(x), c, packing)) * there();

      // Rows are left off as they end, and the others go on in another order.
      const auto state = net->begin(rows, c);
      auto going = torch::arange(rows);
      for (int64_t t = 0; t < kSteps; ++t) {
        const auto y = state->step(x.select(1, t).index_select(0, going));
        CHECK_CLOSE(y, whole.select(1, t).index_select(0, going), kLayerFloat);
        const auto open = (lengths().index_select(0, going) > t + 1).nonzero().squeeze(1).flip(0);
        if (open.size(0) == 0) break;
        going = going.index_select(0, open);
        state->keep(open);
      }

      auto other = x.clone();
      other.select(1, 4).add_(1);
      const auto changed =
          packing.padded(net->forward(packing.packed(other), c, packing)) * there() - whole;
      CHECK(changed.narrow(1, 0, 4).abs().max().item<double>() == 0);
      CHECK(changed.narrow(1, 4, 3).abs().max().item<double>() > 0);
    }
  }
}

TEST_CASE("every parameter of a sequence network gets a gradient") {
  for (const auto& entry : sequence_networks().entries()) {
    CAPTURE(entry.name);
    const auto net = network(entry.name);
    const Packing packing(lengths(), kSteps);
    const auto x = torch::randn({packing.size(), kIn});
    packing.padded(net->forward(x, torch::randn({packing.batch(), kContext}), packing))
        .square()
        .sum()
        .backward();
    int64_t parameters = 0;
    for (const auto& p : net->named_parameters()) {
      CAPTURE(p.key());
      CHECK(p.value().grad().abs().max().item<double>() > 0);
      parameters += p.value().numel();
    }
    int64_t reported = 0;
    for (const auto& line : net->report()) reported += line.parameters;
    CHECK(reported <= parameters);
    CHECK(reported > parameters / 2);
  }
}

}  // namespace
}  // namespace elbo
