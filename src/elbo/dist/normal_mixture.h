#pragma once

#include "elbo/dist/distribution.h"

namespace elbo {

/// Normals with shares, as one joint density per row: logits [K], loc and log_scale [K, d].
/// log_prob of x: [..., d] is [...] and takes one matrix product, not K rows of memory for each row
/// of x.
struct NormalMixture : Distribution {
  Tensor logits, loc, log_scale;
  NormalMixture(Tensor logits, Tensor loc, Tensor log_scale)
      : logits(std::move(logits)), loc(std::move(loc)), log_scale(std::move(log_scale)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  Tensor stddev() const override;
  bool reparameterized() const override { return false; }
  Dist detached() const override {
    return std::make_shared<NormalMixture>(logits.detach(), loc.detach(), log_scale.detach());
  }
};

}  // namespace elbo
