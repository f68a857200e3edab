#pragma once

#include <torch/nn/module.h>

#include <string>
#include <vector>

#include "elbo/core/options.h"
#include "elbo/core/tensor.h"

namespace elbo {

/// A step of a network that only looks at pictures.
struct FeatureStep {
  std::string type = "convolution", name;
  std::vector<int64_t> of, padding;
  int64_t channels = 0, kernel = 1, stride = 1, groups = 1;
  bool round_up = false, compared = false;
  std::string activation = "none";
  double highest = 0;
  template <class F>
  void fields(F&& f) {
    f("type", type, "what the step does",
      one_of({"convolution", "max_pool", "sum", "concatenation"}));
    f("name", name, "of a convolution's tensors, NAME.weight and NAME.bias");
    f("of", of, "numbers of the steps it reads, 0 for the picture (empty = the step before)");
    f("padding", padding, "places added at the top, left, bottom and right (empty = none)");
    f("channels", channels, "that a convolution makes", between(0, 8192));
    f("kernel", kernel, "side of a convolution or a pool", between(1, 64));
    f("stride", stride, "places between two windows", between(1, 64));
    f("groups", groups, "of a convolution's channels", between(1, 8192));
    f("round_up", round_up, "whether a pool's last window may stick out");
    f("activation", activation, "what follows a convolution or a sum");
    f("highest", highest, "value that the activation stops at (0 = none)", at_least(0));
    f("compared", compared, "whether the step is a layer that pictures are compared in");
  }
};

/// A network that only looks at pictures of `channels` channels, shown as (x - shift) / scale.
struct FeaturePlan {
  int64_t channels = 3;
  std::vector<double> shift, scale;
  std::vector<FeatureStep> steps;

  /// Raises an Error naming `where` if steps and numbers do not make a network.
  static FeaturePlan read(const Json& j, const std::string& where);
  Json write() const;
  /// Channels of the picture and of every step's output; Errors as in read().
  std::vector<int64_t> widths(const std::string& where) const;
  /// [channels, channels read / groups, kernel, kernel] of the weight of step `i` (from 1), a
  /// convolution, by `widths`.
  Shape weight(size_t i, const std::vector<int64_t>& widths) const;
  /// Numbers of the steps that step `i` (from 1) reads.
  std::vector<int64_t> read_by(size_t i) const;
};

/// A network over pictures of values in [0, 1] whose compared steps, its layers, are spaces to
/// compare pictures in. Pictures of one channel are shown to a network of three as grey.
class PictureFeatures : public torch::nn::Module {
 public:
  /// With random weights, and all features weighed alike.
  explicit PictureFeatures(FeaturePlan plan);
  /// Every layer's output, [B, width, height, width]. Raises an Error for pictures too small.
  std::vector<Tensor> layers(const Tensor& x) const;
  /// [B] the squared difference of features of unit length, weighed, averaged over places and
  /// summed over features and layers (Zhang et al. 2018, arXiv:1801.03924): 0 where equal; with
  /// weights of 1 at most 4 a layer.
  Tensor distance(const Tensor& x, const Tensor& y) const;
  /// The same from layers that are known.
  Tensor distance(const std::vector<Tensor>& a, const std::vector<Tensor>& b) const;
  /// [B, F] means and deviations over places of every channel but the first layer's.
  Tensor pooled(const Tensor& x) const;

  /// From here on no weight asks for a gradient.
  void freeze() {
    for (auto& p : parameters()) p.set_requires_grad(false);
  }
  const FeaturePlan& plan() const { return plan_; }
  /// Weights and biases by their names in files; `layers.K`, [width], weighs the features of the
  /// K-th layer.
  NamedTensors tensors() const;

 private:
  Tensor stepped(const FeatureStep& step, const Tensor& weight, const Tensor& bias,
                 const std::vector<Tensor>& read) const;

  const FeaturePlan plan_;
  std::vector<Tensor> weights_, biases_;  // one a step, undefined where it has none
  std::vector<Tensor> feature_weights_;   // one a layer
  Tensor shift_, scale_;
};

}  // namespace elbo
