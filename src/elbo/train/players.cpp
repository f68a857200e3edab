#include "elbo/train/players.h"

#include <algorithm>

namespace elbo {
namespace {

void check_range(const Player& player, const char* what, double value, double highest) {
  check(value >= 0 && value <= highest, "[train] player ", player.name, ": ", what, " ", value,
        ", allowed 0 to ", highest);
}

void check_player(const Player& player) {
  const auto& own = player.settings;
  const std::vector<std::string> rules{"adam", "adamw", "adamax"};
  check(!own.rule || std::find(rules.begin(), rules.end(), *own.rule) != rules.end(),
        "[train] player ", player.name, ": rule ", own.rule.value_or(""), ", allowed ",
        join(rules));
  check(player.loss != nullptr, "[train] player ", player.name, ": it has no loss");
  check(player.times >= 1 && player.every >= 1, "[train] player ", player.name, ": times ",
        player.times, ", every ", player.every, ", allowed 1 or more");
  check_range(player, "rate", own.rate, 1e6);
  check_range(player, "beta1", own.beta1.value_or(0), 1);
  check_range(player, "beta2", own.beta2.value_or(0), 1);
  check_range(player, "weight_decay", own.weight_decay.value_or(0), 1e6);
  check_range(player, "clip", own.clip.value_or(0), 1e30);
}

bool share_parameters(const Player& a, const Player& b) {
  return std::any_of(a.parameters.begin(), a.parameters.end(), [&](const Tensor& p) {
    return std::any_of(b.parameters.begin(), b.parameters.end(),
                       [&](const Tensor& other) { return other.is_same(p); });
  });
}

}  // namespace

StepSettings with_own(StepSettings common, const PlayerSettings& own) {
  if (own.rule) common.rule = *own.rule;
  common.lr *= own.rate;
  common.beta1 = own.beta1.value_or(common.beta1);
  common.beta2 = own.beta2.value_or(common.beta2);
  common.weight_decay = own.weight_decay.value_or(common.weight_decay);
  common.clip = own.clip.value_or(common.clip);
  return common;
}

void check_players(const std::vector<Player>& players, const std::string& rule) {
  check(!players.empty(), "[train] the objective has no players");
  check(players.front().every == 1, "[train] player ", players.front().name, ": every ",
        players.front().every, ", the first plays at every step");
  for (size_t i = 0; i < players.size(); ++i) {
    check_player(players[i]);
    const auto own = players[i].settings.rule.value_or(rule);
    for (size_t k = 0; k < i; ++k) {
      // They share moments, which mean something else under each rule.
      const auto other = players[k].settings.rule.value_or(rule);
      check(own == other || !share_parameters(players[i], players[k]), "[train] players ",
            players[k].name, " and ", players[i].name, ": they share parameters under the rules ",
            other, " and ", own, "; one rule is allowed");
    }
  }
}

}  // namespace elbo
