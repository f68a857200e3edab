#include <optional>

#include "elbo/model/sees_training.h"
#include "near.h"
#include "spots.h"
#include "tolerance.h"
#include "toy.h"

// What every objective must hold, over the registry.

namespace elbo {
namespace {

/// The first of some models and data that the objective does not refuse.
std::optional<Toy> toy_for(const std::string& objective) {
  torch::manual_seed(1);
  const Json of{{"objective", {{"type", objective}}}};
  Json learned = of;
  learned["prior"] = {{"type", "mixture"}, {"components", 4}};
  Json grey = of;
  grey["likelihood"] = "continuous_bernoulli";
  Json bits = of;
  bits["posterior"] = "bits";
  bits["prior"] = "bits";
  const std::vector<std::pair<Json, Data>> setups{{of, toy_table()},
                                                  {learned, toy_table()},
                                                  {grey, toy_images()},
                                                  {bits, toy_table()},
                                                  {classifying(of["objective"]), spots(64)}};
  for (const auto& [patch, data] : setups) {
    try {
      Toy toy(toy_spec(patch), data);
      show_training(*toy.objective, *data);
      toy.objective->players(*toy.model);
      toy.validate();
      return toy;
    } catch (const Error&) {
    }
  }
  return std::nullopt;
}

template <class F>
void for_each_objective(F f) {
  for (const auto& entry : objectives().entries()) {
    CAPTURE(entry.name);
    auto toy = toy_for(entry.name);
    REQUIRE_MESSAGE(toy, "refuses every toy: add one that it takes");
    f(*toy);
  }
}

}  // namespace

TEST_CASE("every objective's loss and parts are finite scalars for every player") {
  for_each_objective([](Toy& toy) {
    for (const auto& player : toy.objective->players(*toy.model)) {
      CAPTURE(player.name);
      const auto terms = player.loss({*toy.model, toy.all(), 0});
      REQUIRE(terms.loss.defined());
      CHECK(terms.loss.dim() == 0);
      CHECK(std::isfinite(terms.loss.item<double>()));
      for (const auto& [name, value] : terms.parts) {
        CAPTURE(name);
        CHECK(std::isfinite(value.item<double>()));
        CHECK(!value.requires_grad());
      }
    }
  });
}

TEST_CASE("every objective falls on toy data within 50 steps") {
  for_each_objective([](Toy& toy) {
    const double before = toy.validate().loss.item<double>();
    toy.train(50);
    CHECK(toy.validate().loss.item<double>() < before);
  });
}

TEST_CASE("a player's step moves its own parameters and no others") {
  for_each_objective([](Toy& toy) {
    const auto players = toy.objective->players(*toy.model);
    for (size_t i = 0; i < players.size(); ++i) {
      CAPTURE(players[i].name);
      const auto own = [&](const Tensor& p) {
        const auto& list = players[i].parameters;
        return std::any_of(list.begin(), list.end(),
                           [&](const Tensor& other) { return other.is_same(p); });
      };
      auto all = toy.model->parameters();
      for (const auto& p : toy.objective->parameters()) all.push_back(p);
      std::vector<Tensor> before;
      for (const auto& p : all) before.push_back(p.detach().clone());
      toy.train(std::make_shared<OnePlayer>(toy.objective, i), 1, 0.01, 64);
      int64_t moved = 0;
      for (size_t k = 0; k < all.size(); ++k) {
        const bool same = all[k].equal(before[k]);
        if (own(all[k])) {
          moved += !same;
        } else {
          CHECK(same);
        }
      }
      CHECK(moved > 0);
    }
  });
}

TEST_CASE("validation is the same twice, and changes nothing") {
  for_each_objective([](Toy& toy) {
    toy.train(3);
    const auto named = named_tensors(*toy.model, *toy.objective);
    const auto before = copies(named);
    const auto first = toy.validate(), second = toy.validate();
    CHECK(first.loss.equal(second.loss));
    CHECK(std::isfinite(first.loss.item<double>()));
    for (size_t i = 0; i < named.size(); ++i) {
      CAPTURE(named[i].first);
      CHECK(named[i].second.equal(before[i]));
    }
  });
}

TEST_CASE("an objective refuses what it cannot train, naming what it could") {
  const auto refuses = [](const Json& patch, const Data& data, const char* text) {
    const auto attempt = [&] {
      Toy toy(toy_spec(patch), data);
      show_training(*toy.objective, *data);
      toy.objective->players(*toy.model).front().loss({*toy.model, toy.all(), 0});
    };
    CHECK_THROWS_WITH_AS(attempt(), doctest::Contains(text), Error);
  };
  refuses({{"objective", {{"type", "ms_ssim"}}}}, toy_table(), "needs images");
  refuses({{"objective", {{"type", "fit_prior"}}}}, toy_table(), "nothing to learn");
  refuses({{"posterior", "delta"}, {"objective", {{"type", "total_correlation"}}}}, toy_table(),
          "not a density of independent components");
  refuses({{"objective", {{"type", "denoising"}, {"noise", "mask"}}}}, toy_table(), "missing");
  refuses({{"objective", {{"type", "denoising"}, {"amount", 2}}}}, toy_table(), "0 to 1");
  refuses({{"objective", {{"type", "kl_target"}, {"lowest", 2}, {"highest", 1}}}}, toy_table(),
          "below lowest");
}

}  // namespace elbo
