#pragma once

#include <torch/nn/module.h>

#include "elbo/nn/network.h"

namespace elbo {

/// Normalises [B, C, …] with a learned scale and shift per channel: "none", "batch" (over rows and
/// places; running statistics in evaluation), "layer" (over a row's channels and places), "group"
/// (over groups of up to 8 channels and their places).
class Norm : public torch::nn::Module {
 public:
  Norm(const std::string& kind, int64_t channels);
  Tensor forward(const Tensor& x);
  bool identity() const { return kind_ == Kind::kNone; }
  /// For one row of this shape.
  LayerReport report(const std::string& name, const Shape& shape) const;

 private:
  enum class Kind { kNone, kBatch, kGroup } kind_;
  Tensor batch(const Tensor& x);
  Tensor batch_of_group(const Tensor& x);

  int64_t groups_ = 1;  // a single group is layer normalisation
  Tensor scale_, shift_, mean_, variance_;
};
inline const std::vector<std::string> kNorms{"none", "batch", "layer", "group"};

}  // namespace elbo
