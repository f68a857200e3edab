#include <cmath>

#include "files.h"
#include "near.h"
#include "toy.h"

namespace elbo {
namespace {

/// Players of numbers that belong to no model, so that each step can be computed by hand.
class Duel : public Objective {
 public:
  Duel() {
    a = register_parameter("a", torch::zeros({5}));
    b = register_parameter("b", torch::full({5}, 2.0));
  }
  std::vector<Player> players(Model&) override { return list; }
  /// Its gradient is 1.
  Terms loss(const Step&) override { return {a.sum(), {}}; }
  Player first(int64_t times = 1) {
    return {"a", {a}, [this](const Step& step) { return loss(step); }, {}, times};
  }
  /// Its gradient is b.
  Player second(const PlayerSettings& settings = {}, int64_t every = 1) {
    return {"b",      {b}, [this](const Step&) { return Terms{0.5 * b.square().sum(), {}}; },
            settings, 1,   every};
  }

  Tensor a, b;
  std::vector<Player> list;
};

struct Match {
  Toy toy{toy_spec(), toy_table()};
  std::shared_ptr<Duel> game = std::make_shared<Duel>();
  TrainOptions options;
  Match() {
    options.lr = 0.01;
    options.batch = 64;
  }
  Trainer trainer(int64_t steps) {
    options.steps = steps;
    return Trainer(toy.model, game, options);
  }
  void train(int64_t steps) { trainer(steps).fit(toy.data, nullptr); }
};

}  // namespace

TEST_CASE("Adam's bias correction counts every update of a player with several turns") {
  Match match;
  match.game->list = {match.game->first(10)};
  match.train(3);
  // Under a constant gradient of 1 both corrected moments are 1: each update is one learning rate.
  CHECK_CLOSE(match.game->a, torch::full({5}, -0.01 * 30), 1e-5);
}

TEST_CASE("players have optimizers of their own rule, rate and rhythm") {
  Match match;
  PlayerSettings own;
  own.rule = "adamax";
  own.rate = 3;
  own.beta1 = 0.5;
  match.game->list = {match.game->first(), match.game->second(own, 2)};
  match.train(6);
  CHECK_CLOSE(match.game->a, torch::full({5}, -0.01 * 6), 1e-5);
  double x = 2, m = 0, u = 0;
  for (int t = 1; t <= 3; ++t) {  // at steps 0, 2 and 4
    m = 0.5 * m + 0.5 * x;
    u = std::max(0.999 * u, std::abs(x) + 1e-8);
    x -= 0.03 / (1 - std::pow(0.5, t)) * m / u;
  }
  CHECK_CLOSE(match.game->b, torch::full({5}, x), 1e-5);
}

TEST_CASE("a player's own decay and clipping leave the others' alone") {
  Match match;
  PlayerSettings own;
  own.rule = "adamw";
  own.weight_decay = 0.5;
  own.rate = 0;
  match.game->list = {match.game->first(), match.game->second(own)};
  match.train(2);
  CHECK(match.game->b.equal(torch::full({5}, 2.0)));  // decoupled decay goes with the rate
  own.rate = 1;
  match.game->list = {match.game->first(), match.game->second(own)};
  match.train(1);
  const double step = 0.01 * (1 + 0.5 * 2);  // the first update of Adam is one learning rate
  CHECK_CLOSE(match.game->b, torch::full({5}, 2 - step), 1e-5);
}

TEST_CASE("counts of updates are resumed; a state of an earlier version counts its steps") {
  Match match;
  match.game->list = {match.game->first(4), match.game->second({}, 2)};
  auto first = match.trainer(3);
  first.fit(match.toy.data, nullptr);
  auto state = first.state();
  const auto counts = [&](const Trainer& trainer, size_t from_end) {
    const Json times = trainer.state().facts.at("times");
    return times.at(times.size() - from_end).get<int64_t>();
  };
  auto second = match.trainer(3);
  second.restore(state);
  CHECK(counts(second, 2) == 12);
  CHECK(counts(second, 1) == 2);
  state.facts.erase("times");
  second.restore(state);
  CHECK(counts(second, 2) == 3);
  CHECK(counts(second, 1) == 3);
  state.facts["times"] = Json::array({1});
  CHECK(error_of([&] { second.restore(state); }).find("1 counts of updates") != std::string::npos);
}

TEST_CASE("codes are inferred once for players that leave the latent alone") {
  Toy toy(toy_spec(), toy_table());
  const auto batch = toy.all();
  Step step(*toy.model, batch, 0);
  const auto drawn = step.codes().code;
  CHECK(!drawn.requires_grad());
  CHECK(step.codes().code.is_same(drawn));
  step.moved(toy.model->decoder->parameters());
  CHECK(step.codes().code.is_same(drawn));
  step.moved(toy.model->latent->parameters());
  CHECK(!step.codes().code.is_same(drawn));
}

TEST_CASE("players that cannot be trained are refused by name") {
  const auto refusal = [](const std::function<void(std::vector<Player>&)>& spoil) {
    Match match;
    match.game->list = {match.game->first(), match.game->second()};
    spoil(match.game->list);
    return error_of([&] { match.trainer(1); });
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(refusal([](auto&) {}).empty());
  CHECK(has(refusal([](auto& l) { l.clear(); }), "no players"));
  CHECK(has(refusal([](auto& l) { l[0].every = 2; }), "player a: every 2"));
  CHECK(has(refusal([](auto& l) { l[1].times = 0; }), "player b: times 0"));
  CHECK(has(refusal([](auto& l) { l[1].settings.rule = "sgd"; }), "player b: rule sgd"));
  CHECK(has(refusal([](auto& l) { l[1].settings.rate = -1; }), "player b: rate -1"));
  CHECK(has(refusal([](auto& l) { l[1].settings.beta2 = 2; }), "player b: beta2 2"));
  CHECK(has(refusal([](auto& l) {
              l[1].parameters = l[0].parameters;
              l[1].settings.rule = "adamax";
            }),
            "players a and b"));
}

TEST_CASE("a validation that fails leaves model and objective in training") {
  class Breaks : public Duel {
   public:
    Terms validate(Model&, const Batch&) override { fail("[test] it breaks"); }
  };
  Match match;
  match.game = std::make_shared<Breaks>();
  match.game->list = {match.game->first()};
  CHECK_THROWS_AS(match.trainer(1).fit(match.toy.data, match.toy.data), Error);
  CHECK(match.toy.model->is_training());
  CHECK(match.game->is_training());
}

}  // namespace elbo
