#pragma once

#include <string>

#include "elbo/train/run.h"

namespace elbo {

/// A model card in Markdown: what the model is, its data, how it was trained, its numbers and its
/// limits. `evaluation` is what `elbo evaluate --json` printed, or null. What only a person knows
/// (intended use, licences) is left open under its own heading.
std::string model_card(const Run& run, const Model& model, const Json& evaluation);

}  // namespace elbo
