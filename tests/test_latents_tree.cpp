#include <doctest/doctest.h>

#include "elbo/core/random.h"
#include "elbo/distributions/states.h"
#include "elbo/heads/state_layout.h"
#include "elbo/latents/tree_beliefs.h"
#include "elbo/model/spec.h"
#include "near.h"
#include "tolerance.h"

// Hidden classes along a tree, and columns as states, against enumeration and counting.

namespace elbo {
namespace {

constexpr int64_t kColumns = 4, kClasses = 3, kTreeTestRows = 7;

std::shared_ptr<const ClassTree> small_tree() {
  ClassTree tree{tree_of_parents({1, -1, 1, 2}), torch::randn({kClasses}).softmax(0),
                 torch::randn({kColumns, kClasses, kClasses}).softmax(2)};
  return std::make_shared<ClassTree>(tree);
}

/// All classes of all columns, [81, 4].
Tensor every_class() {
  std::vector<Tensor> axes(kColumns, torch::arange(kClasses));
  return torch::cartesian_prod(axes).to(torch::kFloat32);
}

/// [n, 81] log p(cells, z) of every z.
Tensor enumerated(const ClassTree& tree, const Tensor& log_cells) {
  const auto all = every_class().to(torch::kInt64);
  std::vector<Tensor> sums;
  for (int64_t i = 0; i < all.size(0); ++i) {
    auto sum = torch::zeros({log_cells.size(0)});
    for (int64_t j = 0; j < kColumns; ++j) {
      const int64_t own = all[i][j].item<int64_t>(), parent = tree.tree.parent[size_t(j)];
      const auto p = parent < 0 ? tree.root[own] : tree.links[j][all[i][parent]][own];
      sum = sum + p.log() + log_cells.select(1, own).select(1, j);
    }
    sums.push_back(sum);
  }
  return torch::stack(sums, 1);
}

TEST_CASE("sums over hidden classes of a tree are those of enumeration, and so are posteriors") {
  seed_torch(3);
  const auto tree = small_tree();
  auto cells = 3 * torch::randn({kTreeTestRows, kClasses, kColumns});
  cells.select(2, 0).slice(0, 0, 3).zero_();  // missing
  const auto joint = enumerated(*tree, cells);
  const ClassesGiven q(tree, cells);
  CHECK_CLOSE(q.log_evidence, joint.logsumexp(1), kGoldenFloat);
  const auto all = every_class();
  for (int64_t r = 0; r < kTreeTestRows; ++r) {
    const ClassesGiven one(tree, cells.narrow(0, r, 1));
    const auto found = one.tiled(all.size(0))->log_prob(all).sum(1);
    CHECK_CLOSE(found.exp(), joint[r].softmax(0), kGoldenFloat);
  }
  CHECK_CLOSE(ClassesOfTree(tree).log_prob(all).sum(1).exp().sum(), torch::tensor(1.f),
              kGoldenFloat);
}

TEST_CASE("gradients of the sum are expected counts") {
  seed_torch(4);
  const auto tree = small_tree();
  const auto cells = torch::randn({kTreeTestRows, kClasses, kColumns}).requires_grad_();
  ClassesGiven(tree, cells).log_evidence.sum().backward();
  const auto posterior = enumerated(*tree, cells.detach()).softmax(1);  // [n, 81]
  const auto marks = torch::one_hot(every_class().to(torch::kInt64), kClasses).to(torch::kFloat32);
  CHECK_CLOSE(cells.grad(), torch::einsum("nk,kdh->nhd", {posterior, marks}), kGoldenFloat);
}

TEST_CASE("draws of classes are as frequent as their posterior says") {
  seed_torch(5);
  const auto tree = small_tree();
  const auto cells = torch::randn({1, kClasses, kColumns});
  const auto p = enumerated(*tree, cells).softmax(1)[0];
  constexpr int64_t kDraws = 20000;
  const auto radix = torch::tensor({27, 9, 3, 1}, torch::kInt64);
  const auto z = ClassesGiven(tree, cells).tiled(kDraws)->sample().to(torch::kInt64);
  const auto share = torch::bincount((z * radix).sum(1), {}, 81).to(torch::kFloat32) / kDraws;
  const auto error = (p * (1 - p) / kDraws).sqrt();
  CHECK(((share - p).abs() <= kStandardErrors * error + 1e-4).all().item<bool>());
}

TEST_CASE("the tree joins the columns that tell most of each other") {
  seed_torch(6);
  const auto a = torch::randn({2000}), b = a + 0.3 * torch::randn({2000});
  const auto c = torch::randn({2000}), d = (b > 0).to(torch::kFloat32);
  const auto x = torch::stack({a, c, b, d}, 1);
  const auto tree = chow_liu_tree(x, torch::ones_like(x, torch::kBool));
  CHECK(tree.parent[2] == -1);
  CHECK(tree.parent[0] == 2);
  CHECK(tree.parent[3] == 2);
  CHECK_THROWS_WITH_AS(tree_of_parents({1, 0, -1}), doctest::Contains("one tree"), Error);
}

Column column_of_numbers(const std::string& type, int64_t decimals) {
  Column c;
  c.name = "x";
  c.type = type;
  c.decimals = decimals;
  return c;
}

/// A column as one distribution whose features are zero.
States column_of(const Column& column, const Tensor& values, Tensor* counts = nullptr) {
  auto space = std::make_shared<StateSpace>(empty_space({column}));
  const auto found = learn_states(*space, 0, values);
  if (counts) *counts = found;
  return {space, found.clamp_min(1e-3).log().to(torch::kFloat32).view({1, 1, -1})};
}

TEST_CASE("whole numbers have masses that sum to 1 with what lies beyond") {
  seed_torch(7);
  const auto few =
      torch::cat({torch::full({500}, 40), torch::randint(1, 99, {500})}).to(torch::kFloat32);
  const auto wide = (torch::randn({3000}) * 300).round();
  for (const auto& values : {few, wide, wide.abs() * 5}) {
    const auto p = column_of(column_of_numbers("count", 0), values);
    const auto low = values.min().item<float>(), high = values.max().item<float>();
    const auto inside = p.log_prob(torch::arange(low, high + 1).unsqueeze(1)).exp().sum();
    const double beyond = p.space->rest[0].item<double>();  // of which some lies within the range
    CHECK(inside.item<double>() <= 1 + kIntegral);
    CHECK(inside.item<double>() >= 1 - beyond - kIntegral);
    CHECK(p.log_prob(torch::tensor({{high + 1e4f}})).isfinite().all().item<bool>());
  }
  // What many rows share keeps its share, and draws lie on the grid that the values lie on.
  const auto spiked = column_of(column_of_numbers("count", 0), few);
  const auto share = (few == 40).to(torch::kFloat32).mean();
  CHECK_CLOSE(spiked.log_prob(torch::tensor({{40.f}})).exp().squeeze(), share, 0.01);
  const auto drawn = column_of(column_of_numbers("count", 0), wide.abs() * 5).sample({4000});
  CHECK(drawn.remainder(5).abs().max().item<float>() == 0);
}

TEST_CASE(
    "numbers with decimals have a density that integrates to 1, a common value spread over its "
    "rounding") {
  seed_torch(8);
  const auto values =
      torch::cat({torch::full({400}, 2.5), (torch::randn({2000}).exp() * 100).round() / 100});
  const auto p = column_of(column_of_numbers("real", 2), values);
  const double low = values.min().item<double>() - 0.005,
               high = values.max().item<double>() + 0.005;
  const double step = 0.0005;
  const auto grid = torch::arange(low + step / 2, high, step).unsqueeze(1);
  const double mass = p.log_prob(grid).exp().to(torch::kFloat64).sum().item<double>() * step;
  CHECK(mass == doctest::Approx(1).epsilon(0.02));
  const auto x = p.sample({20000}).flatten();
  CHECK_CLOSE((x == 2.5).to(torch::kFloat32).mean(), (values == 2.5).to(torch::kFloat32).mean(),
              0.02);
  CHECK_CLOSE(x.median(), values.median(), 0.1);
  CHECK_CLOSE((100 * x).round() / 100, x, kGoldenFloat);
  CHECK_CLOSE(p.mean().squeeze(), values.mean(), 0.05);
}

TEST_CASE("rows under each of several distributions at once are those of one by one") {
  seed_torch(9);
  Column word;
  word.name = "w";
  word.type = "category";
  word.classes = {"a", "b", "c"};
  auto space = std::make_shared<StateSpace>(empty_space({column_of_numbers("count", 0), word}));
  const auto values = torch::randint(0, 50, {400}).to(torch::kFloat32);
  learn_states(*space, 0, values);
  const States p(space, torch::randn({5, 2, space->states()}));
  const auto x =
      torch::stack({values.slice(0, 0, 6), torch::randint(0, 3, {6}).to(torch::kFloat32)}, 1);
  const auto all = p.log_prob(x.unsqueeze(1));  // [6, 5, 2]
  for (int64_t i = 0; i < 5; ++i) {
    const States one(space, p.logits.narrow(0, i, 1));
    CHECK_CLOSE(all.select(1, i), one.log_prob(x.clone()), kGoldenFloat);
  }
}

TEST_CASE("the bound of hidden classes is the likelihood, however many draws, with cells missing") {
  seed_torch(10);
  Schemas data;
  data.x = {{5}, Kind::kBinary, Json::object()};
  Json spec = default_spec();
  spec["latent"] = {{"type", "tree"}, {"classes", 4}};
  spec["decoder"] = {{"type", "blocks"}};
  const auto model = build(resolve(spec, data), data);
  model->eval();
  torch::NoGradGuard no_gradient;
  // Every row of five bits: their probabilities sum to 1.
  Batch batch;
  batch.x = torch::cartesian_prod(std::vector<Tensor>(5, torch::arange(2))).to(torch::kFloat32);
  const auto log_p = [&](int64_t samples) {
    const auto inference = model->infer(batch, samples);
    return log_ratio(inference, batch);
  };
  const auto once = log_p(1)[0], many = log_p(20);
  CHECK_CLOSE(many, once.expand_as(many), kGoldenFloat);
  CHECK_CLOSE(once.exp().sum(), torch::tensor(1.f), kGoldenFloat);
  // A missing cell: the sum of both rows that it may make.
  batch.mask = torch::ones_like(batch.x);
  batch.mask.select(1, 4).zero_();
  const auto without = log_p(1)[0].view({16, 2}), pairs = once.view({16, 2});
  CHECK_CLOSE(without, pairs.logsumexp(1, true).expand({16, 2}), kGoldenFloat);
  spec["decoder"] = {{"type", "mlp"}};
  CHECK_THROWS_WITH_AS(build(resolve(spec, data), data), doctest::Contains("expected \"blocks\""),
                       Error);
}

}  // namespace
}  // namespace elbo
