#pragma once

#include "elbo/core/api.h"
#include "elbo/distributions/distribution.h"

namespace ELBO_API elbo {

/// Normals with shares, as one joint density per row: logits [K], loc and log_scale [K, d].
/// log_prob of x: [..., d] is [...] and takes one matrix product, not K rows of memory for each row
/// of x. left_out: undefined, or for each row of x [B, d] the component that it is judged without,
/// -1 = none.
struct NormalMixture : Distribution {
  Tensor logits, loc, log_scale, left_out;
  NormalMixture(Tensor logits, Tensor loc, Log scale, Tensor left_out = Tensor())
      : logits(std::move(logits)),
        loc(std::move(loc)),
        log_scale(std::move(scale.value)),
        left_out(std::move(left_out)) {}
  NormalMixture(Tensor logits, Tensor loc, const Tensor& scale, Tensor left_out = Tensor())
      : NormalMixture(std::move(logits), std::move(loc), Log(scale.log()), std::move(left_out)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  Tensor stddev() const override;
  bool reparameterized() const override { return false; }
  Dist detached() const override {
    return std::make_shared<NormalMixture>(logits.detach(), loc.detach(), Log(log_scale.detach()),
                                           left_out);
  }
};

}  // namespace elbo
