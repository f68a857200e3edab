#pragma once

#include "elbo/train/run.h"

namespace elbo {

/// The spec of a second stage: that of the first run with the prior of `model` (a zoo entry or a
/// JSON file) where that has one of its own, and the prior alone to be fitted.
Json second_stage_spec(const Run& first, const std::string& model);

/// Copies the first run's weights into a model that differs from it in the prior at most. Raises an
/// Error that names a tensor outside the prior which the run lacks or has in another shape.
void take_weights(Model& model, const Run& first);

}  // namespace elbo
