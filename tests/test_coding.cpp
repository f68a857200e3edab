#include <doctest/doctest.h>

#include <cmath>

#include "elbo/coding/container.h"
#include "elbo/coding/grid.h"
#include "elbo/coding/symbols.h"
#include "elbo/core/error.h"
#include "elbo/core/random.h"
#include "elbo/distributions/continuous.h"
#include "elbo/distributions/discrete.h"
#include "elbo/io/sha256.h"
#include "near.h"
#include "tolerance.h"

// Symbols on a stack of bits: what goes on comes off, and takes the bits that its probability says.

namespace elbo {
namespace {

TEST_CASE("a stack gives symbols back in the other order, and what it borrowed") {
  AnsStack stack;
  std::vector<Interval> popped;
  for (uint64_t i = 0; i < 200; ++i) {  // off an empty stack: all of it borrowed
    const auto turn = static_cast<uint32_t>(bits_at(1, i) & 0xffff);
    const uint32_t place = stack.peek(16, turn), start = place / 100 * 100;
    const uint32_t frequency = std::min<uint32_t>(100, 65536 - start);
    stack.pop(start, frequency, 16, turn);
    popped.push_back({start, frequency, 16, turn});
  }
  const auto words = stack.words();
  AnsStack other(words);
  CHECK(!other.spent());
  push_all(other, popped);
  CHECK(other.spent());
  CHECK_THROWS_AS(AnsStack(std::vector<uint32_t>{1}), Error);
  CHECK_THROWS_AS(AnsStack(std::vector<uint32_t>{1, 0}), Error);
}

struct Coded {
  std::string name;
  Dist p;
  Tensor x;
  bool drawn = true;  // x is a draw of p
};

std::vector<Coded> coded_cases() {
  seed_torch(2);
  const int64_t n = 40;
  std::vector<Coded> cases;
  const auto add = [&](const char* name, Dist p) { cases.push_back({name, p, p->sample()}); };
  add("bits", std::make_shared<Bernoulli>(3 * torch::randn({n, 1, 5, 5})));
  add("classes", std::make_shared<Categorical>(2 * torch::randn({n, 7, 11})));
  add("levels", std::make_shared<DiscretizedLogistic>(torch::randn({n, 1, 5, 5}) * 0.5,
                                                      Log(torch::randn({n, 1, 5, 5}) - 3)));
  add("colours",
      std::make_shared<LogisticMixture>(torch::randn({n, 4, 25}), torch::randn({n, 4, 3, 25}) * 0.5,
                                        Log(torch::randn({n, 4, 3, 25}) - 3), Shape{3, 5, 5}));
  add("coupled colours",
      std::make_shared<LogisticMixture>(torch::randn({n, 4, 25}), torch::randn({n, 4, 3, 25}) * 0.5,
                                        Log(torch::randn({n, 4, 3, 25}) - 3), Shape{3, 5, 5},
                                        torch::randn({n, 4, 3, 25}).tanh()));
  // All mass on one symbol, and x another one.
  for (const int64_t classes : {1, 3, 512, 40000}) {
    const auto p = std::make_shared<UniformCategorical>(Shape{4, 5}, classes, torch::kFloat32);
    cases.push_back({"classes that are alike", p, p->sample({3}), classes > 1});
  }
  cases.push_back({"certain bits", std::make_shared<Bernoulli>(torch::full({2, 4}, 200.0)),
                   torch::tensor({{1.f, 1.f, 0.f, 1.f}, {0.f, 0.f, 1.f, 1.f}}), false});
  cases.push_back({"far levels",
                   std::make_shared<DiscretizedLogistic>(torch::full({1, 3}, 30.0),
                                                         Log(torch::full({1, 3}, -7.0))),
                   torch::tensor({{0.f, 77 / 255.f, 1.f}}), false});
  return cases;
}

TEST_CASE("symbols come back, and take about -log2 p bits") {
  for (const auto& [name, p, x, drawn] : coded_cases()) {
    CAPTURE(name);
    const auto symbols = symbols_of(p, x.size(0));
    const auto places = symbols->intervals(x);
    REQUIRE(static_cast<int64_t>(places.size()) == x.numel());
    double bits = 0;
    for (const auto& place : places) bits += kSymbolBits - std::log2(place.frequency);
    AnsStack stack;
    push_all(stack, places);
    CHECK(std::fabs(stack.information() - AnsStack().information() - bits) <= kSymbolShare * bits);
    const auto back = symbols->read(stack);
    CHECK(stack.spent());
    CHECK(back.view_as(x).equal(x));
    const double expected = -p->row_log_prob(x).sum().item<double>() / std::log(2.0);
    if (drawn) CHECK(std::fabs(bits - expected) < kSymbolShare * expected + 1e-3);
  }
}

TEST_CASE("values that a distribution cannot give are refused") {
  const auto bits = symbols_of(std::make_shared<Bernoulli>(torch::zeros({1, 2})), 1);
  CHECK_THROWS_WITH_AS(bits->intervals(torch::tensor({{0.5f, 1.f}})),
                       doctest::Contains("discretized_logistic"), Error);
  const auto classes = symbols_of(std::make_shared<Categorical>(torch::zeros({1, 2, 3})), 1);
  CHECK_THROWS_AS(classes->intervals(torch::tensor({{3.f, 0.f}})), Error);
  CHECK_THROWS_WITH_AS(symbols_of(std::make_shared<StandardNormal>(Shape{2}), 1),
                       doctest::Contains("StandardNormal"), Error);
}

TEST_CASE("cells of a grid come back under a posterior of any width and place") {
  seed_torch(4);
  const Shape shape{300, 6};
  const auto p = std::make_shared<Normal>(torch::randn(shape), Log(torch::randn(shape)));
  for (const double log_scale : {-9.0, -3.0, 0.0, 2.0}) {
    const auto far = torch::randn(shape).clamp(-2, 2);  // where cells are narrow
    const auto q = std::make_shared<Normal>(p->loc() + p->log_scale().exp() * far,
                                            Log(p->log_scale() + log_scale));
    const NormalGrid grid("z", p, shape);
    AnsStack stack;
    const auto cells = grid.pop(*q, 7, stack);
    NormalGrid::push(stack, cells);
    CHECK(grid.read(stack).equal(cells));
    push_all(stack, grid.intervals(*q, 7, cells));
    CHECK(stack.spent());
    if (log_scale != -3) continue;
    // Draws of q, but for the width of a cell.
    const auto z = (grid.values(cells) - q->loc()) / q->log_scale().exp();
    CHECK(std::fabs(z.mean().item<double>()) < kStandardErrors / std::sqrt(1800.0));
    CHECK(std::fabs(z.square().mean().item<double>() - 1) <
          kStandardErrors * std::sqrt(2 / 1800.0));
  }
}

TEST_CASE("SHA-256 of known texts") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

Container small_container() {
  Container container;
  container.facts = {{"model", "abc"}, {"kind", "array"}, {"rows", 5}};
  container.side = "side";
  container.blocks = {{3, {1, 2, 3}}, {2, {4, 5}}};
  return container;
}

TEST_CASE("a packed file is read again, and any change of it is found") {
  const auto packed = pack(small_container());
  const auto again = unpack(packed, "file");
  CHECK(again.side == "side");
  REQUIRE(again.blocks.size() == 2);
  CHECK(again.blocks[1].words == std::vector<uint32_t>{4, 5});
  CHECK(again.facts["rows"] == 5);
  int64_t refused = 0;
  constexpr uint64_t kChanges = 10000;
  for (uint64_t i = 0; i < kChanges; ++i) {
    auto changed = packed;
    const auto at = static_cast<size_t>(bits_at(1, i) % packed.size());
    if (i % 4 == 0) {
      changed.resize(at);
    } else if (i % 4 == 1) {
      changed += changed.substr(at);
    } else {
      changed[at] = static_cast<char>(changed[at] ^ 1 << bits_at(2, i) % 8);
    }
    try {
      unpack(changed, "file");
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(refused == kChanges);
}

}  // namespace
}  // namespace elbo
