#pragma once

#include "elbo/core/api.h"
#include "elbo/distributions/distribution.h"

namespace ELBO_API elbo {

/// For each row K normals of equal shares, as one joint density: loc and log_scale [B, K, …].
/// log_prob of x [prefix, B, …] is [prefix, B]. A draw is of one component, chosen at random, and
/// differentiable: shares that are not learned need no gradient, so some of the components, drawn,
/// stand for all without a bias, while the density is that of all (Kviman et al. 2023,
/// arXiv:2209.15514; Hotti et al. 2024, arXiv:2406.07083).
struct RowMixture : Distribution {
  Tensor loc, log_scale;
  RowMixture(Tensor loc, Log scale) : loc(std::move(loc)), log_scale(std::move(scale.value)) {}
  RowMixture(Tensor loc, const Tensor& scale) : RowMixture(std::move(loc), Log(scale.log())) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override { return loc.mean(1); }
  Tensor stddev() const override;
  bool factorises() const override { return false; }
  NamedTensors parameters() const override { return {{"loc", loc}, {"log_scale", log_scale}}; }
  Dist detached() const override {
    return std::make_shared<RowMixture>(loc.detach(), Log(log_scale.detach()));
  }
};

/// An Error names the parameter that is not allowed.
namespace checked {
Dist row_mixture(const Tensor& loc, const Tensor& scale);
}  // namespace checked

}  // namespace elbo
