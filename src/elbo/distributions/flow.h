#pragma once

#include <vector>

#include "elbo/core/api.h"
#include "elbo/distributions/bijector.h"

namespace ELBO_API elbo {

/// A base distribution on [..., d] pushed through maps. A joint density: log_prob is [...].
struct Flow : Distribution {
  Dist base;
  std::vector<Bijection> maps;
  Flow(Dist base, std::vector<Bijection> maps) : base(std::move(base)), maps(std::move(maps)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  /// Where the base's mean is carried to: a centre, not the mean, unless the maps are affine.
  Tensor mean() const override;
  bool reparameterized() const override { return base->reparameterized(); }
  std::pair<Tensor, Tensor> sample_and_log_prob() const override;
  bool knows_own_draws() const override { return true; }

 private:
  Mapped push(Tensor z) const;
};

}  // namespace elbo
