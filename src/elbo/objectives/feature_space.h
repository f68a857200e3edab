#pragma once

#include <memory>
#include <string>

#include "elbo/data/dataset.h"
#include "elbo/nn/picture_features.h"

namespace elbo {

/// Features to compare pictures in; trainings do not change them.
struct FeatureSpace {
  std::shared_ptr<PictureFeatures> network;
  std::string name;  // for protocols
};

/// Features learned from pictures alone: the network that they belong to takes noise off. The same
/// rows and seed give the same features.
FeatureSpace learn_features(const Dataset& pictures, uint64_t seed);

/// A .safetensors file of a space: the tensors of its network, whose plan stands in the metadata.
void save_features(const FeatureSpace& features, const std::string& path);
/// The same read. Raises an Error where the file holds no such network, tensors that do not fit it,
/// or one for pictures of other channels (one channel is shown to three as grey).
FeatureSpace load_features(const std::string& path, int64_t channels);

/// What files without a plan hold: convolutions of 3 x 3 places, SiLU, all but the first at half
/// the size of the one before.
FeaturePlan own_feature_plan(int64_t channels);

}  // namespace elbo
