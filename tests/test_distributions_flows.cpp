#include <doctest/doctest.h>
#include <torch/autograd.h>

#include "elbo/distributions/flow.h"
#include "elbo/model/flow_step.h"
#include "elbo/model/head.h"
#include "elbo/nn/masked.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

const std::vector<Json>& step_kinds() {
  static const std::vector<Json> kinds = {
      "planar",
      "radial",
      "householder",
      {{"type", "householder"}, {"reflections", 3}},
      {{"type", "sylvester"}, {"kind", "orthogonal"}},
      {{"type", "sylvester"}, {"kind", "orthogonal"}, {"columns", 4}},
      {{"type", "sylvester"}, {"kind", "householder"}},
      {{"type", "sylvester"}, {"kind", "triangular"}},
      {{"type", "iaf"}, {"hidden", {16}}},
      {{"type", "iaf"}, {"hidden", {16, 16}}, {"gate", false}},
      {{"type", "maf"}, {"hidden", {16}}},
      {{"type", "realnvp"}, {"hidden", {16}}},
      {{"type", "spline"}, {"hidden", {16}}},
      {{"type", "spline"}, {"hidden", {16}}, {"structure", "autoregressive"}, {"bins", 5}}};
  return kinds;
}

constexpr int64_t kSize = 4;

struct Made {
  std::shared_ptr<FlowStep> step;
  Tensor h;  // [rows, features]
  Bijection map;
};

/// In float64, with weights large enough that the map is far from the identity.
Made make_step(const Json& kind, bool free, int64_t index, int64_t rows) {
  Made made{flow_steps().make({kSize, free, index}, kind), Tensor(), nullptr};
  made.step->to(torch::kFloat64);
  {
    torch::NoGradGuard no_gradient;
    for (auto& p : made.step->parameters()) p.mul_(3);
  }
  if (!free) made.h = torch::randn({rows, made.step->features()}, torch::kFloat64);
  made.map = (*made.step)(made.h);
  return made;
}

Tensor random_points(int64_t rows) { return 1.5 * torch::randn({rows, kSize}, torch::kFloat64); }

template <class F>
void for_each_step(F f) {
  for (const auto& kind : step_kinds()) {
    for (const bool free : {true, false}) {
      for (const int64_t index : {0, 1}) {
        CAPTURE(kind.dump());
        CAPTURE(free);
        CAPTURE(index);
        f(kind, free, index);
      }
    }
  }
}

TEST_CASE("every flow step has its inverse, and both tell opposite log-determinants") {
  for_each_step([](const Json& kind, bool free, int64_t index) {
    const auto made = make_step(kind, free, index, 50);
    const auto z = random_points(50);
    const auto there = made.map->push(z), back = made.map->pull(there.value);
    CHECK_CLOSE(back.value, z, kRoundTrip);
    CHECK_CLOSE(back.log_det, -there.log_det, kRoundTrip);
    const auto first = made.map->pull(z);
    CHECK_CLOSE(made.map->push(first.value).value, z, kRoundTrip);
    CHECK((there.value - z).abs().max().item<double>() > 0.01);
  });
}

Tensor jacobian(const Tensor& y, const Tensor& z) {  // one row each
  std::vector<Tensor> rows;
  for (int64_t i = 0; i < y.size(1); ++i) {
    rows.push_back(torch::autograd::grad({y[0][i]}, {z}, {}, true)[0][0]);
  }
  return torch::stack(rows);
}

TEST_CASE("every flow step's log-determinant is that of its Jacobian by autograd") {
  for_each_step([](const Json& kind, bool free, int64_t index) {
    const auto made = make_step(kind, free, index, 1);
    for (const bool push : {true, false}) {
      CAPTURE(push);
      const auto z = random_points(1).requires_grad_();
      const auto mapped = push ? made.map->push(z) : made.map->pull(z);
      const auto expected = std::get<1>(torch::slogdet(jacobian(mapped.value, z)));
      CHECK_CLOSE(mapped.log_det, expected.view({1}), kRoundTrip);
    }
  });
}

TEST_CASE("gradients through every step's inverse are those of finite differences") {
  for_each_step([](const Json& kind, bool free, int64_t index) {
    const auto made = make_step(kind, free, index, 3);
    const auto y = random_points(3), a = random_points(3);
    auto theta = free ? made.step->parameters().front() : made.h.requires_grad_();
    const auto value = [&] {
      const auto z = (*made.step)(made.h)->pull(y);
      return (a * z.value).sum() + z.log_det.sum();
    };
    const auto gradient = torch::autograd::grad({value()}, {theta})[0].flatten();
    torch::NoGradGuard no_gradient;
    auto flat = theta.view(-1);
    const double h = 1e-5;
    for (const int64_t i : {int64_t{0}, flat.numel() / 2, flat.numel() - 1}) {
      const double before = flat[i].item<double>();
      flat[i] = before + h;
      const double above = value().item<double>();
      flat[i] = before - h;
      const double below = value().item<double>();
      flat[i] = before;
      CHECK_CLOSE(gradient[i].item<double>(), (above - below) / (2 * h), kFiniteDifferenceRoot);
    }
  });
}

TEST_CASE("a step reads leading axes like rows") {
  for_each_step([](const Json& kind, bool free, int64_t index) {
    const auto made = make_step(kind, free, index, 5);
    const auto z = torch::randn({2, 5, kSize}, torch::kFloat64);
    const auto all = made.map->push(z);
    const auto second = made.map->push(z[1]);
    CHECK_CLOSE(all.value[1], second.value, kRoundTrip);
    CHECK_CLOSE(all.log_det[1], second.log_det, kRoundTrip);
  });
}

TEST_CASE("a masked network's outputs see inputs of lower degree and all features") {
  Conditioner net({3, 3, 2, 4, {20, 20}, "tanh", {2, 3, 1}});
  net.to(torch::kFloat64);
  const auto z = torch::randn({1, 3}, torch::kFloat64).requires_grad_();
  const auto h = torch::randn({1, 4}, torch::kFloat64).requires_grad_();
  const std::vector<int64_t> degrees{2, 3, 1};
  const auto theta = net.forward(z, h);  // [1, 3, 2]
  for (int64_t out = 0; out < 3; ++out) {
    const auto g = torch::autograd::grad({theta[0][out].sum()}, {z, h}, {}, true);
    CHECK(g[1].abs().min().item<double>() > 0);
    for (int64_t in = 0; in < 3; ++in) {
      CHECK((g[0][0][in].item<double>() != 0) == (degrees[in] < degrees[out]));
    }
  }
}

Context place(int64_t d, bool prior) {
  Context at{{{d}, Kind::kReal, Json::object()}, {}};
  at.data.x = {{3}, Kind::kReal, Json::object()};
  if (prior) at.role = Role::kFree;
  return at;
}

TEST_CASE("the density of a flow's own draw agrees with its inverse, in both places") {
  for (const auto& kind : step_kinds()) {
    CAPTURE(kind.dump());
    const Json declared = {{"type", "flow"}, {"step", kind}, {"steps", 3}};
    const auto posterior = make_head(place(kSize, false), declared);
    const auto q = (*posterior)(torch::randn({6, posterior->input()[0]}));
    const auto [z, log_q] = q->sample_and_log_prob();
    CHECK(z.sizes() == torch::IntArrayRef({6, kSize}));
    CHECK(log_q.sizes() == torch::IntArrayRef({6}));
    CHECK_CLOSE(q->log_prob(z), log_q, kFloatRoundTrip);
    CHECK(q->sample({2}).sizes() == torch::IntArrayRef({2, 6, kSize}));

    const auto prior = make_head(place(kSize, true), declared);
    const auto p = (*prior)(Tensor());
    const auto x = p->sample({7});
    CHECK(x.sizes() == torch::IntArrayRef({7, kSize}));
    CHECK(p->log_prob(x).sizes() == torch::IntArrayRef({7}));
    CHECK(p->mean().sizes() == torch::IntArrayRef({kSize}));
  }
}

TEST_CASE("an IAF posterior that is the identity leaves the base's density alone") {
  const Json declared = {
      {"type", "flow"}, {"step", {{"type", "iaf"}, {"gate", false}}}, {"steps", 2}};
  const auto head = make_head(place(kSize, false), declared);
  {
    torch::NoGradGuard no_gradient;
    for (auto& p : head->parameters()) p.zero_();
  }
  const auto q = (*head)(torch::randn({5, head->input()[0]}));
  const auto [z, log_q] = q->sample_and_log_prob();
  const auto& base = *static_cast<const Flow&>(*q).base;
  CHECK_CLOSE(log_q, base.row_log_prob(z), kGoldenFloat);
}

TEST_CASE("flows refuse what they cannot do") {
  CHECK_THROWS_WITH_AS(make_head(place(4, false), {{"type", "flow"}, {"step", "planer"}}),
                       doctest::Contains("known: "), Error);
  CHECK_THROWS_WITH_AS(make_head(place(1, true), {{"type", "flow"}, {"step", "realnvp"}}),
                       doctest::Contains("2 dimensions"), Error);
  CHECK_THROWS_AS(flow_steps().make({4, true, 0}, {{"type", "sylvester"}, {"columns", 5}}), Error);
  CHECK_THROWS_AS(make_head(place(4, false), {{"type", "flow"}, {"step", Json::array()}}), Error);
  Context image{{{3, 4, 4}, Kind::kReal, Json::object()}, {}};
  CHECK_THROWS_AS(make_head(image, "flow"), Error);
}

}  // namespace
}  // namespace elbo
