#pragma once

#include "elbo/core/api.h"
#include "elbo/distributions/distribution.h"

// Groups of K classes as one vector of d = groups * K numbers, each group a one-hot vector or, for
// training, a soft one. logits: [..., groups, K]; x: [..., d]; log_prob: [..., groups].

namespace ELBO_API elbo {

/// x is one-hot in every group. A soft x is scored as the cross-entropy.
struct OneHotGroups : Distribution {
  Tensor logits;
  explicit OneHotGroups(Tensor logits) : logits(std::move(logits)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  /// The probabilities.
  Tensor mean() const override { return logits.softmax(-1).flatten(-2); }
  bool reparameterized() const override { return false; }
  Dist detached() const override { return std::make_shared<OneHotGroups>(logits.detach()); }
};

/// A density on the inside of the simplex (Jang et al. 2017, arXiv:1611.01144; Maddison et al.
/// 2017, arXiv:1611.00712). Straight-through: draws are one-hot, with the soft draw's gradient,
/// and log_prob is their mass.
struct RelaxedOneHot : Distribution {
  Tensor logits;
  double temperature;
  bool straight;
  RelaxedOneHot(Tensor logits, double temperature, bool straight = false)
      : logits(std::move(logits)), temperature(temperature), straight(straight) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override { return logits.softmax(-1).flatten(-2); }
  Dist detached() const override {
    return std::make_shared<RelaxedOneHot>(logits.detach(), temperature, straight);
  }
};

/// An Error names the parameter that is not allowed.
namespace checked {
Dist relaxed_one_hot(const Tensor& logits, double temperature);
}  // namespace checked

}  // namespace elbo
