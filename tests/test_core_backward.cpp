#include <functional>

#include "elbo/core/backward.h"
#include "elbo/core/error.h"
#include "near.h"

namespace elbo {
namespace {

using Loss = std::function<Tensor(const std::vector<Tensor>&)>;

std::vector<Tensor> gradients_by(const std::function<void(const Tensor&)>& run, const Loss& loss,
                                 std::vector<Tensor> leaves) {
  for (auto& leaf : leaves) leaf = leaf.detach().clone().set_requires_grad(true);
  run(loss(leaves));
  std::vector<Tensor> gradients;
  for (const auto& leaf : leaves) gradients.push_back(leaf.grad());
  return gradients;
}

/// Whatever autograd finds for these leaves, backward finds.
void check_agrees(const Loss& loss, const std::vector<Tensor>& leaves) {
  const auto ours = gradients_by([](const Tensor& l) { backward(l); }, loss, leaves);
  const auto theirs = gradients_by([](const Tensor& l) { l.backward(); }, loss, leaves);
  for (size_t i = 0; i < leaves.size(); ++i) {
    CAPTURE(i);
    REQUIRE(ours[i].defined() == theirs[i].defined());
    if (ours[i].defined()) CHECK_CLOSE(ours[i], theirs[i], 1e-5);
  }
}

TEST_CASE("backward: leaves and results that are used several times") {
  const auto a = torch::randn({4, 3}), b = torch::randn({3});
  check_agrees(
      [](const std::vector<Tensor>& p) {
        const auto h = (p[0] * p[1]).tanh();  // p[1] is broadcast
        const auto deep = (h.exp() + h).sin() * h;
        return (deep.sum(0) * p[1]).sum() + h.mean() + p[0].square().sum();
      },
      {a, b});
}

TEST_CASE("backward: parts of a tensor, several outputs, other types, unused leaves") {
  const auto a = torch::randn({4, 6}), unused = torch::randn({2});
  check_agrees(
      [](const std::vector<Tensor>& p) {
        const auto parts = p[0].chunk(2, 1);
        const auto [values, order] = parts[0].sort(1);
        auto changed = parts[1].clone();
        changed.narrow(1, 0, 1).mul_(2);
        const auto wide = (values * changed).to(torch::kDouble).exp();
        return wide.to(torch::kFloat).index_select(0, torch::tensor({0, 0, 2})).sum();
      },
      {a, unused});
}

TEST_CASE("backward: a second pass adds to the gradients of the first") {
  torch::manual_seed(0);
  const auto x = torch::randn({6, 5}), w = torch::randn({3, 5}).requires_grad_();
  const auto loss = [&] { return torch::linear(x, w).square().sum(); };
  loss().backward();
  const auto once = w.grad().clone();
  backward(loss());
  CHECK_CLOSE(w.grad(), 2 * once, 1e-5);
}

TEST_CASE("backward: hooks see and change gradients, of leaves their sum") {
  const auto a = torch::randn({3});
  int calls = 0;
  const Loss loss = [&](const std::vector<Tensor>& p) {
    p[0].register_hook([&](const Tensor& g) {
      ++calls;
      return g.clamp_max(1);
    });
    const auto h = p[0].exp();
    h.register_hook([](const Tensor& g) { return 3 * g; });
    return h.sum() + h.square().sum() + p[0].sum();
  };
  check_agrees(loss, {a});
  CHECK(calls == 2);
}

TEST_CASE("backward: a graph is used once, and needs something to differentiate") {
  auto a = torch::randn({3}).set_requires_grad(true);
  const auto loss = a.exp().sum();
  backward(loss);
  CHECK_THROWS(backward(loss));
  CHECK_THROWS_AS(backward(torch::randn({})), Error);
}

}  // namespace
}  // namespace elbo
