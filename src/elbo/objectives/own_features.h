#pragma once

#include <memory>
#include <string>

#include "elbo/data/dataset.h"
#include "elbo/nn/picture_features.h"

namespace elbo {

/// Features learned from pictures alone: the network that they belong to takes noise off. The same
/// rows and seed give the same features.
struct OwnFeatures {
  std::shared_ptr<PictureFeatures> network;
  std::string name;  // for protocols
};
OwnFeatures learn_features(const Dataset& pictures, uint64_t seed);

/// A .safetensors file of them. Raises an Error where it holds others, or those of pictures of
/// other channels.
void save_features(const OwnFeatures& features, const std::string& path);
OwnFeatures load_features(const std::string& path, int64_t channels);

}  // namespace elbo
