#pragma once

#include "elbo/core/api.h"
#include "elbo/distributions/distribution.h"

namespace ELBO_API elbo {

/// A normal with full covariance L L'. loc: [..., d]; factor: [..., d, d] lower triangular with a
/// positive diagonal. log_prob: [...], a joint density.
struct FullNormal : Distribution {
  Tensor loc, factor;
  FullNormal(Tensor loc, Tensor factor) : loc(std::move(loc)), factor(std::move(factor)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override { return loc; }
  Tensor stddev() const override { return factor.square().sum(-1).sqrt(); }
  std::pair<Tensor, Tensor> sample_and_log_prob() const override;
  bool knows_own_draws() const override { return true; }
  Dist detached() const override {
    return std::make_shared<FullNormal>(loc.detach(), factor.detach());
  }

 private:
  Tensor density_of_noise(const Tensor& noise) const;
};

/// An Error names the parameter that is not allowed.
namespace checked {
Dist full_normal(const Tensor& loc, const Tensor& factor);
}  // namespace checked

}  // namespace elbo
