#pragma once

#include "elbo/model/objective.h"

namespace elbo {

/// How much of a gradient is chance: over draws of the codes of fixed rows.
struct GradientNoise {
  double variance = 0;  // summed over parameters
  double square = 0;    // of the mean gradient's length
};
struct PlayedNoise {
  GradientNoise inference, generative;
};
/// Of the first player's loss, by `repeats` draws with the model in training mode; parameters,
/// buffers, gradients and the mode are left as they were. The rows' number weighs: the loss is a
/// mean over them.
PlayedNoise gradient_noise(Model& model, Objective& objective, const Batch& batch, int64_t repeats);

}  // namespace elbo
