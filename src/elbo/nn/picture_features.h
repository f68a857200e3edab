#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

class Convolution;

/// Convolutions over pictures of values in [0, 1] whose layers are spaces to compare pictures in:
/// the first at full size, each further one at half the one before.
class PictureFeatures : public torch::nn::Module {
 public:
  /// `channels` of a picture.
  explicit PictureFeatures(int64_t channels);
  /// Every layer's output, [B, width, height, width].
  std::vector<Tensor> layers(const Tensor& x) const;
  /// [B] the squared difference of features of unit length, averaged over places and summed over
  /// layers (Zhang et al. 2018, arXiv:1801.03924, with all weights 1): 0 where equal, at most 4 a
  /// layer.
  Tensor distance(const Tensor& x, const Tensor& y) const;
  /// The same from layers that are known.
  static Tensor distance(const std::vector<Tensor>& a, const std::vector<Tensor>& b);
  /// [B, F] means and deviations over places of every channel but the first layer's.
  Tensor pooled(const Tensor& x) const;

  int64_t channels() const { return channels_; }
  /// Channels of the last layer.
  static int64_t last_width();

 private:
  const int64_t channels_;
  std::vector<std::shared_ptr<Convolution>> layers_;
};

}  // namespace elbo
