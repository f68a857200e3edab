#pragma once

#include <cstdint>
#include <string>

#include "elbo/nn/picture_network.h"

namespace elbo {

/// "2G", "800M", "1.5GB": bytes, in powers of 1024; an Error where it is none.
int64_t memory_from(const std::string& text);
/// Bytes that a network may take for a picture so that the process stays within `text` in all, the
/// weights among it; "" = half of what is free.
int64_t picture_budget(const std::string& text);
/// Whether a row of this shape goes through the network in bands; if so, memory freed from here on
/// goes back to the system.
bool goes_in_bands(const PictureNetwork& network, const Tensor& row, int64_t budget);
/// The network over pictures of any size in a part of a model; an Error where there is none.
PictureNetwork& picture_network_in(torch::nn::Module& part, const std::string& run);

}  // namespace elbo
