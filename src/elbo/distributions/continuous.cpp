#include "elbo/distributions/continuous.h"

#include <cmath>
#include <limits>

namespace elbo {
namespace {

// x moved off the ends of (low, high), whose density may be infinite.
Tensor inside_unit(const Tensor& x) {
  const bool wide = x.scalar_type() == torch::kFloat64;
  return x.clamp(std::numeric_limits<float>::min(), wide ? 1 - 0x1p-53 : 1 - 0x1p-24);
}

Tensor inside_positive(const Tensor& x) { return x.clamp_min(std::numeric_limits<float>::min()); }

Tensor log_beta(const Tensor& a, const Tensor& b) {
  return a.lgamma() + b.lgamma() - (a + b).lgamma();
}

// Shares of two concentrations [..., 2]; ATen draws them but leaves the derivative, the implicit
// one of Figurnov et al. 2018 (arXiv:1805.08498), to its caller.
struct SampleDirichlet : torch::autograd::Function<SampleDirichlet> {
  static Tensor forward(torch::autograd::AutogradContext* ctx, const Tensor& concentration) {
    auto x = at::_sample_dirichlet(concentration);
    ctx->save_for_backward({concentration, x});
    return x;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const auto &concentration = saved[0], &x = saved[1];
    auto total = concentration.sum(-1, true).expand_as(concentration).contiguous();
    auto slope = at::_dirichlet_grad(x, concentration, total);
    return {slope * (grads[0] - (x * grads[0]).sum(-1, true))};
  }
};

// KL of two Laplace: log(b2/b1) + (|d| + b1 exp(-|d|/b1)) / b2 - 1.
Tensor kl_laplace(const Laplace& q, const Laplace& p) {
  auto d = (q.loc - p.loc).abs();
  return (p.scale / q.scale).log() + (d + q.scale * (-d / q.scale).exp()) / p.scale - 1;
}

Tensor kl_uniform(const Uniform& q, const Uniform& p) {
  auto value = ((p.high - p.low) / (q.high - q.low)).log();
  auto contained = (q.low >= p.low).logical_and(q.high <= p.high);
  return value.masked_fill(contained.logical_not(), std::numeric_limits<double>::infinity());
}

Tensor kl_beta(const Beta& q, const Beta& p) {
  auto total = q.alpha + q.beta;
  return log_beta(p.alpha, p.beta) - log_beta(q.alpha, q.beta) +
         (q.alpha - p.alpha) * q.alpha.digamma() + (q.beta - p.beta) * q.beta.digamma() +
         (p.alpha + p.beta - total) * total.digamma();
}

Tensor kl_gamma(const Gamma& q, const Gamma& p) {
  return (q.concentration - p.concentration) * q.concentration.digamma() -
         q.concentration.lgamma() + p.concentration.lgamma() +
         p.concentration * (q.rate / p.rate).log() + q.concentration * (p.rate / q.rate - 1);
}

const bool continuous_added = add_kl<Laplace, Laplace>(kl_laplace) &&
                              add_kl<Uniform, Uniform>(kl_uniform) && add_kl<Beta, Beta>(kl_beta) &&
                              add_kl<Gamma, Gamma>(kl_gamma);

}  // namespace

Tensor Laplace::log_prob(const Tensor& x) const {
  return -(x - loc).abs() / scale - (2 * scale).log();
}
Tensor Laplace::sample(torch::IntArrayRef prefix) const {
  auto u = open_uniform(draw_shape(prefix, broadcast_shape(loc, scale)), loc.options()) - 0.5;
  return loc - scale * u.sign() * (-2 * u.abs()).log1p();
}
Tensor Laplace::mean() const { return loc.expand(broadcast_shape(loc, scale)); }
Tensor Laplace::stddev() const { return (M_SQRT2 * scale).expand(broadcast_shape(loc, scale)); }
Dist Laplace::detached() const { return std::make_shared<Laplace>(loc.detach(), scale.detach()); }

Shape StudentT::shape() const { return at::infer_size(broadcast_shape(df, loc), scale.sizes()); }
Tensor StudentT::log_prob(const Tensor& x) const {
  auto y = (x - loc) / scale;
  auto half = 0.5 * (df + 1);
  return half.lgamma() - (0.5 * df).lgamma() - 0.5 * (M_PI * df).log() - scale.log() -
         half * (y * y / df).log1p();
}
Tensor StudentT::sample(torch::IntArrayRef prefix) const {
  const auto shape_of_draw = draw_shape(prefix, shape());
  // A normal over the root of a chi-square per degree of freedom.
  auto half = (0.5 * df).expand(shape_of_draw).contiguous();
  auto chi = inside_positive(at::_standard_gamma(half)) / half;
  return loc + scale * torch::randn(shape_of_draw, loc.options()) * chi.rsqrt();
}
Tensor StudentT::mean() const {
  auto wide = loc.expand(shape());
  return wide.masked_fill((df <= 1).expand(shape()), NAN);
}
Tensor StudentT::stddev() const {
  auto value = (scale * (df / (df - 2)).sqrt()).expand(shape());
  value = value.masked_fill((df <= 2).expand(shape()), std::numeric_limits<double>::infinity());
  return value.masked_fill((df <= 1).expand(shape()), NAN);
}
Dist StudentT::detached() const {
  return std::make_shared<StudentT>(df.detach(), loc.detach(), scale.detach());
}

Tensor Logistic::log_prob(const Tensor& x) const {
  auto y = (x - loc) / scale;
  // Symmetric in y; log_sigmoid keeps both tails.
  return at::log_sigmoid(y) + at::log_sigmoid(-y) - scale.log();
}
Tensor Logistic::sample(torch::IntArrayRef prefix) const {
  auto u = open_uniform(draw_shape(prefix, broadcast_shape(loc, scale)), loc.options());
  return loc + scale * (u.log() - (-u).log1p());
}
Tensor Logistic::mean() const { return loc.expand(broadcast_shape(loc, scale)); }
Tensor Logistic::stddev() const {
  return (M_PI / std::sqrt(3.0) * scale).expand(broadcast_shape(loc, scale));
}
Dist Logistic::detached() const { return std::make_shared<Logistic>(loc.detach(), scale.detach()); }

Tensor Uniform::log_prob(const Tensor& x) const {
  auto value = -(high - low).log() + torch::zeros_like(x);
  auto outside = (x < low).logical_or(x > high);
  return value.masked_fill(outside, -std::numeric_limits<double>::infinity());
}
Tensor Uniform::sample(torch::IntArrayRef prefix) const {
  return low +
         (high - low) * torch::rand(draw_shape(prefix, broadcast_shape(low, high)), low.options());
}
Tensor Uniform::mean() const { return 0.5 * (low + high); }
Tensor Uniform::stddev() const { return (high - low) / std::sqrt(12.0); }
Dist Uniform::detached() const { return std::make_shared<Uniform>(low.detach(), high.detach()); }

Tensor Beta::log_prob(const Tensor& x) const {
  auto y = inside_unit(x);
  return (alpha - 1) * y.log() + (beta - 1) * (-y).log1p() - log_beta(alpha, beta);
}
Tensor Beta::sample(torch::IntArrayRef prefix) const {
  const auto shape = draw_shape(prefix, broadcast_shape(alpha, beta));
  auto both = torch::stack({alpha.expand(shape), beta.expand(shape)}, -1).contiguous();
  return inside_unit(SampleDirichlet::apply(both).select(-1, 0));
}
Tensor Beta::mean() const { return alpha / (alpha + beta); }
Tensor Beta::stddev() const {
  auto total = alpha + beta;
  return (alpha * beta / (total + 1)).sqrt() / total;
}
Dist Beta::detached() const { return std::make_shared<Beta>(alpha.detach(), beta.detach()); }

Tensor Gamma::log_prob(const Tensor& x) const {
  auto y = inside_positive(x);
  return concentration * rate.log() + (concentration - 1) * y.log() - rate * y -
         concentration.lgamma();
}
Tensor Gamma::sample(torch::IntArrayRef prefix) const {
  const auto shape = draw_shape(prefix, broadcast_shape(concentration, rate));
  return inside_positive(at::_standard_gamma(concentration.expand(shape).contiguous()) / rate);
}
Tensor Gamma::mean() const { return concentration / rate; }
Tensor Gamma::stddev() const { return concentration.sqrt() / rate; }
Dist Gamma::detached() const {
  return std::make_shared<Gamma>(concentration.detach(), rate.detach());
}

Tensor Delta::log_prob(const Tensor& x) const {
  auto zero = torch::zeros(broadcast_shape(x, value), value.options());
  return zero.masked_fill(x != value, -std::numeric_limits<double>::infinity());
}
Tensor Delta::sample(torch::IntArrayRef prefix) const {
  return prefix.empty() ? value : value.expand(draw_shape(prefix, value.sizes()));
}

Dist checked::laplace(const Tensor& loc, const Tensor& scale) {
  check_parameter("laplace", "loc", loc, false);
  check_parameter("laplace", "scale", scale, true);
  return std::make_shared<Laplace>(loc, scale);
}
Dist checked::student(const Tensor& df, const Tensor& loc, const Tensor& scale) {
  check_parameter("student", "df", df, true);
  check_parameter("student", "loc", loc, false);
  check_parameter("student", "scale", scale, true);
  return std::make_shared<StudentT>(df, loc, scale);
}
Dist checked::logistic(const Tensor& loc, const Tensor& scale) {
  check_parameter("logistic", "loc", loc, false);
  check_parameter("logistic", "scale", scale, true);
  return std::make_shared<Logistic>(loc, scale);
}
Dist checked::uniform(const Tensor& low, const Tensor& high) {
  check_parameter("uniform", "low", low, false);
  check_parameter("uniform", "high", high, false);
  check_parameter("uniform", "high - low", high - low, true);
  return std::make_shared<Uniform>(low, high);
}
Dist checked::beta(const Tensor& alpha, const Tensor& beta) {
  check_parameter("beta", "alpha", alpha, true);
  check_parameter("beta", "beta", beta, true);
  return std::make_shared<Beta>(alpha, beta);
}
Dist checked::gamma(const Tensor& concentration, const Tensor& rate) {
  check_parameter("gamma", "concentration", concentration, true);
  check_parameter("gamma", "rate", rate, true);
  return std::make_shared<Gamma>(concentration, rate);
}
Dist checked::delta(const Tensor& value) {
  check_parameter("delta", "value", value, false);
  return std::make_shared<Delta>(value);
}

}  // namespace elbo
