#pragma once

#include "elbo/nn/dense.h"
#include "elbo/nn/norm.h"

namespace elbo {

/// Keys and values of the places so far, [B, heads, places, features / heads].
struct AttentionMemory {
  Tensor keys, values;
};

/// Attention to all earlier places and two dense layers, normalised before each part (Vaswani et
/// al. 2017, arXiv:1706.03762).
class AttentionBlock : public torch::nn::Module {
 public:
  /// features: a multiple of heads.
  AttentionBlock(int64_t features, int64_t heads, double dropout);
  /// x: [B, P, features], what comes after the places in memory, which grows by them.
  Tensor forward(const Tensor& x, AttentionMemory& memory);
  /// Without what attention itself computes, which grows with the places.
  LayerReport report(const std::string& name) const;

 private:
  Tensor dropped(const Tensor& x) const;
  Tensor attention(const Tensor& x, AttentionMemory& memory) const;

  const int64_t heads_;
  const double dropout_;
  std::shared_ptr<Norm> norm_, norm2_;
  std::shared_ptr<Dense> attend_, mix_, hidden_, out_;
};

}  // namespace elbo
