#pragma once

#include <vector>

#include "elbo/core/api.h"
#include "elbo/distributions/discrete.h"

// What the columns of a table are distributed like, and the distributions that only they need.

namespace ELBO_API elbo {

/// Columns [..., D] in groups of one family each: log_prob is [..., D], one number per column.
struct Columns : Distribution {
  struct Group {
    Tensor at;  // [C] int64: which columns
    Dist dist;  // [..., C]
  };
  std::vector<Group> groups;
  Tensor order;  // [D]: where each column stands when the groups are side by side
  Columns(std::vector<Group> groups, Tensor order)
      : groups(std::move(groups)), order(std::move(order)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor sample_columns(const Tensor& wanted) const override;
  Tensor mean() const override;
  Tensor stddev() const override;
  bool reparameterized() const override { return false; }
  /// Each column as its family has it.
  Tensor typical(const Particles& of = {}) const override;
  bool factorises() const override;
  Dist detached() const override;
};

/// Positive numbers whose logarithm is normal. x = 0 is read as the smallest number above.
struct LogNormal : Distribution {
  Tensor loc, log_scale;
  LogNormal(Tensor loc, Log scale) : loc(std::move(loc)), log_scale(std::move(scale.value)) {}
  LogNormal(Tensor loc, const Tensor& scale) : LogNormal(std::move(loc), Log(scale.log())) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  Tensor stddev() const override;
  bool factorises() const override { return true; }
  Dist detached() const override;
};

/// 0 with probability sigmoid(logits), else the base. Of a discrete base 0 has two sources; a
/// density has no mass there: log_prob of x = 0 is then the logarithm of a probability.
struct ZeroInflated : Distribution {
  Tensor logits;
  Dist base;
  bool discrete;
  ZeroInflated(Tensor logits, Dist base, bool discrete)
      : logits(std::move(logits)), base(std::move(base)), discrete(discrete) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  Tensor stddev() const override;
  bool reparameterized() const override { return false; }
  bool factorises() const override { return base->factorises(); }
  Dist detached() const override;
};

/// Counts: a logistic rounded to whole numbers, everything below 1/2 to 0. Unlike a Poisson it may
/// vary less than its mean.
struct RoundedLogistic : Distribution {
  Tensor loc, log_scale;
  RoundedLogistic(Tensor loc, Log scale) : loc(std::move(loc)), log_scale(std::move(scale.value)) {}
  RoundedLogistic(Tensor loc, const Tensor& scale)
      : RoundedLogistic(std::move(loc), Log(scale.log())) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  /// Of the logistic cut off at 0, before rounding.
  Tensor mean() const override;
  bool reparameterized() const override { return false; }
  bool factorises() const override { return true; }
  Dist detached() const override;
};

/// Ordered classes 0 … K-1: mean() is the median class.
struct Ordinal : Categorical {
  explicit Ordinal(Tensor log_probs) : Categorical(std::move(log_probs)) {}
  Tensor mean() const override;
  /// The median class of the mixture.
  Tensor typical(const Particles& of = {}) const override;
  Dist detached() const override { return std::make_shared<Ordinal>(logits.detach()); }
};
/// log P(class) of a cumulative logit: P(class <= k) = sigmoid(cuts_k - eta). cuts: [..., K-1]
/// rising; eta: [..., 1] -> [..., K].
Tensor cumulative_logits(const Tensor& cuts, const Tensor& eta);

/// Checked: an Error names the parameter that is not finite or not positive.
namespace checked {
Dist log_normal(const Tensor& loc, const Tensor& scale);
Dist zero_inflated(const Tensor& logits, Dist base, bool discrete);
Dist rounded_logistic(const Tensor& loc, const Tensor& scale);
}  // namespace checked

}  // namespace elbo
