#pragma once

#include "elbo/core/api.h"
#include "elbo/distributions/distribution.h"

// Distributions over bits, shares, classes, counts and bytes. As in continuous.h, the structs do
// not check and the functions in `checked` do.

namespace ELBO_API elbo {

/// A bit in {0, 1}; a grey x in between is scored as the cross-entropy.
struct Bernoulli : Distribution {
  Tensor logits;
  explicit Bernoulli(Tensor logits) : logits(std::move(logits)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor row_log_prob(const Tensor& x, const Tensor& mask = Tensor()) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override { return logits.sigmoid(); }
  Tensor stddev() const override;
  bool reparameterized() const override { return false; }
  bool factorises() const override { return true; }
  NamedTensors parameters() const override { return {{"logits", logits}}; }
  Dist detached() const override { return std::make_shared<Bernoulli>(logits.detach()); }
};

/// A density on [0, 1] proportional to exp(logits * x) (Loaiza-Ganem & Cunningham 2019,
/// arXiv:1907.06845).
struct ContinuousBernoulli : Distribution {
  Tensor logits;
  explicit ContinuousBernoulli(Tensor logits) : logits(std::move(logits)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor row_log_prob(const Tensor& x, const Tensor& mask = Tensor()) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  Tensor stddev() const override;
  bool factorises() const override { return true; }
  NamedTensors parameters() const override { return {{"logits", logits}}; }
  Dist detached() const override { return std::make_shared<ContinuousBernoulli>(logits.detach()); }
};

/// One of K classes. logits: [..., K]; x and draws: [...] class numbers (any type of number; draws
/// have the type of the logits). mean() is the likeliest class.
struct Categorical : Distribution {
  Tensor logits;
  explicit Categorical(Tensor logits) : logits(std::move(logits)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override { return logits.argmax(-1).to(logits.scalar_type()); }
  bool reparameterized() const override { return false; }
  /// The likeliest class of the mixture.
  Tensor typical(const Particles& of = {}) const override;
  bool factorises() const override { return true; }
  NamedTensors parameters() const override { return {{"logits", logits}}; }
  Dist detached() const override { return std::make_shared<Categorical>(logits.detach()); }
};

/// One of K classes at each place of a shape, all of them alike: a Categorical without logits in
/// memory. x and draws: [prefix, shape] class numbers.
struct UniformCategorical : Distribution {
  Shape shape;
  int64_t classes;
  torch::TensorOptions options;
  UniformCategorical(Shape shape, int64_t classes, torch::TensorOptions options)
      : shape(std::move(shape)), classes(classes), options(options) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override { return torch::zeros(shape, options); }
  bool reparameterized() const override { return false; }
  bool factorises() const override { return true; }
  Dist detached() const override { return std::make_shared<UniformCategorical>(*this); }
};

/// A Categorical with x and draws as one-hot vectors [..., K]; log_prob: [...]. A soft x is scored
/// as the cross-entropy. mean() holds the probabilities.
struct OneHot : Distribution {
  Tensor logits;
  explicit OneHot(Tensor logits) : logits(std::move(logits)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override { return logits.softmax(-1); }
  Tensor stddev() const override;
  bool reparameterized() const override { return false; }
  /// The likeliest class, as one-hot vectors.
  Tensor typical(const Particles& of = {}) const override;
  NamedTensors parameters() const override { return {{"logits", logits}}; }
  Dist detached() const override { return std::make_shared<OneHot>(logits.detach()); }
};

/// Counts 0, 1, 2, …
struct Poisson : Distribution {
  Tensor log_rate;
  explicit Poisson(Log rate) : log_rate(std::move(rate.value)) {}
  explicit Poisson(const Tensor& rate) : Poisson(Log(rate.log())) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override { return log_rate.exp(); }
  Tensor stddev() const override { return (0.5 * log_rate).exp(); }
  bool reparameterized() const override { return false; }
  bool factorises() const override { return true; }
  NamedTensors parameters() const override { return {{"log_rate", log_rate}}; }
  Dist detached() const override { return std::make_shared<Poisson>(Log(log_rate.detach())); }
};

/// Counts with variance mean + mean² / total: a Poisson whose rate is drawn from a Gamma.
struct NegativeBinomial : Distribution {
  Tensor log_mean, log_total;
  NegativeBinomial(Log mean, Log total)
      : log_mean(std::move(mean.value)), log_total(std::move(total.value)) {}
  NegativeBinomial(const Tensor& mean, const Tensor& total)
      : NegativeBinomial(Log(mean.log()), Log(total.log())) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  Tensor stddev() const override;
  bool reparameterized() const override { return false; }
  bool factorises() const override { return true; }
  NamedTensors parameters() const override {
    return {{"log_mean", log_mean}, {"log_total", log_total}};
  }
  Dist detached() const override {
    return std::make_shared<NegativeBinomial>(Log(log_mean.detach()), Log(log_total.detach()));
  }
};

/// 256 levels, x = level / 255: the mass that a logistic on [-1, 1] puts on a level's interval,
/// the outer ones reaching to infinity (Salimans et al. 2017, arXiv:1701.05517). log_scale is
/// used no lower than -7.
struct DiscretizedLogistic : Distribution {
  Tensor loc, log_scale;
  DiscretizedLogistic(Tensor loc, Log scale)
      : loc(std::move(loc)), log_scale(std::move(scale.value)) {}
  DiscretizedLogistic(Tensor loc, const Tensor& scale)
      : DiscretizedLogistic(std::move(loc), Log(scale.log())) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  bool reparameterized() const override { return false; }
  bool factorises() const override { return true; }
  NamedTensors parameters() const override { return {{"loc", loc}, {"log_scale", log_scale}}; }
  Dist detached() const override {
    return std::make_shared<DiscretizedLogistic>(loc.detach(), Log(log_scale.detach()));
  }
};

/// K components per site, whose channels share the component. logits: [B, K, P]; loc, log_scale:
/// [B, K, C, P]; x: [B, shape…] of C * P numbers. log_prob: [B, P], one per site.
/// coupling: [B, K, C (C - 1) / 2, P], by how much each earlier channel's value on [-1, 1] moves a
/// channel's centre, in the order (1, 0), (2, 0), (2, 1), …; undefined = channels are independent
/// given the component.
struct LogisticMixture : Distribution {
  Tensor logits, loc, log_scale, coupling;
  Shape shape;
  LogisticMixture(Tensor logits, Tensor loc, Log scale, Shape shape, Tensor coupling = Tensor())
      : logits(std::move(logits)),
        loc(std::move(loc)),
        log_scale(std::move(scale.value)),
        coupling(std::move(coupling)),
        shape(std::move(shape)) {}
  LogisticMixture(Tensor logits, Tensor loc, const Tensor& scale, Shape shape)
      : LogisticMixture(std::move(logits), std::move(loc), Log(scale.log()), std::move(shape)) {}
  Tensor log_prob(const Tensor& x) const override { return masked_log_prob(x, Tensor()); }
  /// The masked channels of a site are summed out; an Error where coupled ones come before seen
  /// ones.
  Tensor row_log_prob(const Tensor& x, const Tensor& mask = Tensor()) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  /// Coupled: each channel's is taken where the channels before it have theirs.
  Tensor mean() const override;
  bool reparameterized() const override { return false; }
  NamedTensors parameters() const override {
    NamedTensors all{{"logits", logits}, {"loc", loc}, {"log_scale", log_scale}};
    if (coupling.defined()) all.emplace_back("coupling", coupling);
    return all;
  }
  Dist detached() const override;

 private:
  Tensor masked_log_prob(const Tensor& x, const Tensor& mask) const;
};

/// Checked: an Error names the parameter that is not finite or not positive.
/// Qualified, since PyTorch has functions of these names that a plain call would find too.
namespace checked {
Dist bernoulli(const Tensor& logits);
Dist continuous_bernoulli(const Tensor& logits);
Dist categorical(const Tensor& logits);
Dist one_hot(const Tensor& logits);
Dist poisson(const Tensor& rate);
Dist negative_binomial(const Tensor& mean, const Tensor& total);
Dist discretized_logistic(const Tensor& loc, const Tensor& scale);
}  // namespace checked

}  // namespace elbo
