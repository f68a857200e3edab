#pragma once

#include "elbo/core/api.h"
#include "elbo/distributions/distribution.h"

namespace ELBO_API elbo {

/// logits: [..., K]. The components' parameters are [..., K, event…], where the event has
/// `event_dims` axes that one component shares (0: every element chooses for itself).
/// log_prob: [...], one number per choice.
struct Mixture : Distribution {
  Tensor logits;
  Dist components;
  int64_t event_dims;
  Mixture(Tensor logits, Dist components, int64_t event_dims)
      : logits(std::move(logits)), components(std::move(components)), event_dims(event_dims) {}
  Tensor log_prob(const Tensor& x) const override { return masked_log_prob(x, Tensor()); }
  /// Masked elements of an event are summed out (exact: they are independent in a component).
  Tensor row_log_prob(const Tensor& x, const Tensor& mask = Tensor()) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  Tensor stddev() const override;
  bool reparameterized() const override { return false; }
  Dist detached() const override;

 private:
  Tensor masked_log_prob(const Tensor& x, const Tensor& mask) const;
  Tensor component_weights() const;  // [..., K, 1…]
};

/// loc + scale * base, elementwise; scale is not 0. log_prob holds the Jacobian; log_volume, [1] or
/// undefined, is its logarithm for a whole row.
struct Affine : Distribution {
  Dist base;
  Tensor loc, scale, log_volume;
  Affine(Dist base, Tensor loc, Tensor scale, Tensor log_volume = {})
      : base(std::move(base)),
        loc(std::move(loc)),
        scale(std::move(scale)),
        log_volume(std::move(log_volume)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor row_log_prob(const Tensor& x, const Tensor& mask = Tensor()) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override { return loc + scale * base->mean(); }
  Tensor stddev() const override;
  bool reparameterized() const override { return base->reparameterized(); }
  Dist detached() const override;
};

/// Checked: an Error names the parameter that is not finite.
namespace checked {
Dist mixture(const Tensor& logits, Dist components, int64_t event_dims);
Dist affine(Dist base, const Tensor& loc, const Tensor& scale);
}  // namespace checked

}  // namespace elbo
