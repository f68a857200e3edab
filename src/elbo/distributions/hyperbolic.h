#pragma once

#include "elbo/core/api.h"
#include "elbo/distributions/distribution.h"

namespace ELBO_API elbo {

/// A normal in the tangent space at `centre`, wrapped onto the Poincaré ball of curvature
/// -curvature, radius 1/sqrt(curvature) (Mathieu et al. 2019, arXiv:1901.06033). centre,
/// log_scale: [..., d]. log_prob: [...], a density in the ball's own coordinates (not in the
/// hyperbolic volume), so that it integrates to 1 like any other.
struct WrappedNormal : Distribution {
  Tensor centre, log_scale;
  double curvature;
  WrappedNormal(Tensor centre, Log scale, double curvature)
      : centre(std::move(centre)), log_scale(std::move(scale.value)), curvature(curvature) {}
  WrappedNormal(Tensor centre, const Tensor& scale, double curvature)
      : WrappedNormal(std::move(centre), Log(scale.log()), curvature) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  /// The centre: a point of the ball.
  Tensor mean() const override { return centre.expand(broadcast_shape(centre, log_scale)); }
  Dist detached() const override {
    return std::make_shared<WrappedNormal>(centre.detach(), Log(log_scale.detach()), curvature);
  }
};

/// The point of the ball that v: [..., d] in the tangent space at the origin leads to.
Tensor onto_ball(const Tensor& v, double curvature);
/// An Error names the parameter that is not allowed.
namespace checked {
Dist wrapped_normal(const Tensor& centre, const Tensor& scale, double curvature);
}  // namespace checked

}  // namespace elbo
