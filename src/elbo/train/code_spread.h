#pragma once

#include "elbo/data/dataset.h"
#include "elbo/model/model.h"

namespace elbo {

/// Whether codes are smaller pictures, made by a network over pictures of any size.
bool encodes_pictures(const Latent& latent);
/// "latents" of a run's facts for an image autoencoder that was trained here: the scale and shift
/// under which draws of the codes of these rows have mean 0 and deviation 1, and both of each
/// channel. Null where the encoder is not a network over pictures of any size.
Json measured_latents(Model& model, const Dataset& rows);

}  // namespace elbo
