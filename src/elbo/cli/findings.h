#pragma once

#include <string>

#include "elbo/eval/diagnose.h"

namespace elbo {

/// What to_json(Finding) holds, for people: a sentence with its figure, and the cure below it.
std::string finding_text(const Json& finding);

/// A short look at a run that has just been trained: findings, in a few seconds. Empty where the
/// model has no codes to look at.
Json look_at(const Run& run);

}  // namespace elbo
