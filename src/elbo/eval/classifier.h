#pragma once

#include <memory>
#include <string>

#include "elbo/nn/network.h"
#include "elbo/train/run.h"

namespace elbo {

/// A small network that tells the labels of a run's data apart; its last hidden layer is a space
/// in which samples of different models compare.
struct FeatureClassifier {
  std::string name;  // with its accuracy on held-out rows
  std::shared_ptr<Network> body, top;
  /// [n, 64]
  Tensor features(const Tensor& x) const;
};
/// The one stored beside the run (features.safetensors), or else one trained now on at most 20,000
/// training rows and stored there. The same data and seed give the same classifier.
FeatureClassifier feature_classifier(const Run& run);

}  // namespace elbo
