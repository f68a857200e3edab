#include <cmath>
#include <tuple>

#include "elbo/core/constants.h"
#include "elbo/distributions/continuous.h"
#include "elbo/kernels/arithmetic.h"
#include "elbo/kernels/choice.h"
#include "elbo/kernels/densities.h"

namespace elbo {
namespace {

kernels::NormalParameters parameters_of(const Halves& h) {
  return {{h.loc, h.log_scale, h.joined}, h.low, h.high};
}

const Normal& as_normal(const Distribution& d) { return static_cast<const Normal&>(d); }

Tensor half_square(const Tensor& x) { return 0.5 * x * x; }

// KL(q || p) = log sp/sq + (sq² + (mq - mp)²) / 2sp² - 1/2.
Tensor kl_normal_normal(const Normal& q, const Normal& p) {
  auto log_ratio = q.log_scale() - p.log_scale();
  auto distance = (q.loc() - p.loc()) * (-p.log_scale()).exp();
  return 0.5 * (2 * log_ratio).expm1() - log_ratio + half_square(distance);
}

Tensor kl_normal_standard(const Distribution& d, const Distribution&) {
  const auto& q = as_normal(d);
  return half_square(q.loc()) + 0.5 * (2 * q.log_scale()).expm1() - q.log_scale();
}

Tensor kl_normal_standard_rows(const Distribution& d, const Distribution& p) {
  const auto& q = as_normal(d);
  const auto& shape = static_cast<const StandardNormal&>(p).shape;
  // A broadcasting KL keeps to the readable form.
  const auto own = q.shape();
  const bool rows =
      own.size() == shape.size() + 1 && torch::IntArrayRef(own).slice(1).equals(shape);
  if (rows) return kernels::kl_standard(parameters_of(q.given()));
  auto components = kl_normal_standard(q, p);
  return row_sum(components.dim() < static_cast<int64_t>(shape.size()) ? components.expand(shape)
                                                                       : components);
}

const bool normal_added = [] {
  add_kl<Normal, Normal>(kl_normal_normal);
  add_kl(typeid(Normal), typeid(StandardNormal), kl_normal_standard, kl_normal_standard_rows);
  add_kl<StandardNormal, StandardNormal>(
      [](const StandardNormal& q, const StandardNormal&) { return q.mean(); });
  add_kl<StandardNormal, Normal>([](const StandardNormal&, const Normal& p) {
    return 0.5 * (-2 * p.log_scale()).expm1() + p.log_scale() +
           half_square(p.loc() * (-p.log_scale()).exp());
  });
  add_kl<Delta, StandardNormal>(
      [](const Delta& q, const StandardNormal&) { return half_square(q.value); });
  add_kl<Delta, Normal>([](const Delta& q, const Normal& p) {
    return half_square((q.value - p.loc()) * (-p.log_scale()).exp());
  });
  return true;
}();

}  // namespace

std::pair<Tensor, Tensor> halves(const Tensor& h, double low, double high) {
  return kernels::halves(h, low, high);
}

Normal::Normal(Tensor loc, Log scale)
    : given_{std::move(loc), std::move(scale.value), {}}, apart_(given_) {}

Normal::Normal(const Tensor& h, double low, double high) : given_{{}, {}, h, low, high} {
  // Joined they stay where a kernel reads them so.
  if (!kernels::fuses_halves(h)) given_ = apart();
}

const Halves& Normal::apart() const {
  if (!apart_.loc.defined()) {
    // Whoever asks first may need no gradient; the next may.
    const torch::AutoGradMode graph(given_.joined.requires_grad());
    std::tie(apart_.loc, apart_.log_scale) = halves(given_.joined, given_.low, given_.high);
  }
  return apart_;
}

Shape Normal::shape() const {
  if (!given_.joined.defined()) return broadcast_shape(loc(), log_scale());
  auto shape = given_.joined.sizes().vec();
  shape[1] /= 2;
  return shape;
}

Tensor Normal::log_prob(const Tensor& x) const {
  return -half_square((x - loc()) * (-log_scale()).exp()) - log_scale() - kHalfLogTwoPi;
}

Tensor Normal::row_log_prob(const Tensor& x, const Tensor& mask) const {
  return kernels::normal_rows(x, parameters_of(given_), mask);
}

Tensor Normal::sample(torch::IntArrayRef prefix) const {
  if (prefix.empty()) return kernels::sample_normal(parameters_of(given_));
  return loc() + log_scale().exp() * torch::randn(draw_shape(prefix, shape()), loc().options());
}

Tensor Normal::mean() const { return loc().expand(shape()); }
Tensor Normal::stddev() const { return log_scale().exp().expand(shape()); }
Dist Normal::detached() const {
  return std::make_shared<Normal>(loc().detach(), Log(log_scale().detach()));
}

Tensor StandardNormal::log_prob(const Tensor& x) const { return -half_square(x) - kHalfLogTwoPi; }
Tensor StandardNormal::sample(torch::IntArrayRef prefix) const {
  return torch::randn(draw_shape(prefix, shape), options);
}

Dist checked::normal(const Tensor& loc, const Tensor& scale) {
  check_parameter("normal", "loc", loc, false);
  check_parameter("normal", "scale", scale, true);
  return std::make_shared<Normal>(loc, scale);
}

}  // namespace elbo
