#pragma once

#include <torch/nn/module.h>

#include "elbo/kernels/group_norm.h"
#include "elbo/nn/network.h"

namespace elbo {

/// Normalises groups of channels of a picture (Wu & He 2018, arXiv:1803.08494), with a scale and a
/// shift for each channel; SiLU after it where asked for.
class GroupNorm : public torch::nn::Module {
 public:
  GroupNorm(int64_t channels, int64_t groups, double epsilon, bool silu);
  /// x: [rows, channels, height, width].
  Tensor forward(const Tensor& x) const;
  LayerReport report(const std::string& name, const Shape& shape) const;

  /// The same in two steps: sums of a picture's parts add up; then each part by itself. `sums`:
  /// [rows, groups, 2] float64 as kernels::group_sums gives them, `count` values in each group.
  int64_t groups() const { return groups_; }
  struct Affine {
    Tensor factor, offset;  // [rows, channels]
  };
  Affine affine(const Tensor& sums, int64_t count) const;
  Tensor apply(const Tensor& x, const Affine& affine) const;

 private:
  const int64_t groups_;
  const double epsilon_;
  const bool silu_;
  Tensor weight_, bias_;
};

}  // namespace elbo
