#pragma once

#include "elbo/train/run.h"

namespace elbo {

/// Whether `model` goes on with the first run's training by its own objective: neither of the two
/// has a prior to be fitted, and the model has an objective of its own.
bool tunes(const Run& first, const std::string& model);
/// The spec of a second stage: that of the first run with the prior of `model` (a zoo entry or a
/// JSON file) where that has one of its own, and the prior alone to be fitted; where it tunes, with
/// its objective.
Json second_stage_spec(const Run& first, const std::string& model);

/// Copies the first run's weights into a model that differs from it in the prior at most. Raises an
/// Error that names a tensor outside the prior which the run lacks or has in another shape.
void take_weights(Model& model, const Run& first);

}  // namespace elbo
