#pragma once

#include "elbo/nn/dense.h"

namespace elbo {

/// A gated recurrent unit (Cho et al. 2014, arXiv:1406.1078): what it remembers after one more step
/// of a series.
class GatedUnit : public torch::nn::Module {
 public:
  GatedUnit(int64_t in, int64_t size);
  /// x: [B, in], h: [B, size] -> [B, size].
  Tensor forward(const Tensor& x, const Tensor& h);
  LayerReport report(const std::string& name) const;

  const int64_t size;

 private:
  std::shared_ptr<Dense> of_input_, of_memory_;
};

}  // namespace elbo
