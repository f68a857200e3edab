#pragma once

#include <vector>

#include "elbo/model/objective.h"
#include "elbo/train/optimizer.h"

namespace elbo {

/// The common settings of a training with what a player has of its own.
StepSettings with_own(StepSettings common, const PlayerSettings& own);
/// Raises an Error that names the player where one cannot be trained: an unknown rule, a number out
/// of range, a first player that does not play at every step, parameters under two rules.
/// `rule`: the training's.
void check_players(const std::vector<Player>& players, const std::string& rule);

}  // namespace elbo
