#pragma once

#include "elbo/core/api.h"
#include "elbo/distributions/distribution.h"

// Distributions on the unit sphere in m dimensions: densities are with respect to its area, one
// number per row.

namespace ELBO_API elbo {

/// The uniform distribution; x: [..., m].
struct UniformSphere : Distribution {
  int64_t m;
  torch::TensorOptions options;
  explicit UniformSphere(int64_t m, torch::TensorOptions options = torch::kFloat32)
      : m(m), options(options) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  /// The centre of the sphere.
  Tensor mean() const override { return torch::zeros({m}, options); }
  Dist detached() const override { return std::make_shared<UniformSphere>(*this); }
};

/// Density proportional to exp(kappa direction'x). direction: [..., m] of length 1; kappa: [..., 1]
/// positive (Davidson et al. 2018, arXiv:1804.00891).
struct VonMisesFisher : Distribution {
  Tensor direction, kappa;
  VonMisesFisher(Tensor direction, Tensor kappa)
      : direction(std::move(direction)), kappa(std::move(kappa)) {}
  Tensor log_prob(const Tensor& x) const override;
  /// Wood's rejection sampling of the angle; its gradient is the implicit one, without bias.
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  /// The mean direction: a point of the sphere.
  Tensor mean() const override { return direction; }
  Dist detached() const override {
    return std::make_shared<VonMisesFisher>(direction.detach(), kappa.detach());
  }
};

/// log I_v(kappa), kappa > 0, in float64: no overflow. Without gradient.
Tensor log_bessel(double v, const Tensor& kappa);
/// I_{v+1}(kappa) / I_v(kappa): with v = m/2 - 1 the length of the mean of a von Mises-Fisher.
Tensor bessel_ratio(double v, const Tensor& kappa);
/// An Error names the parameter that is not allowed.
namespace checked {
Dist von_mises_fisher(const Tensor& direction, const Tensor& kappa);
}  // namespace checked

}  // namespace elbo
