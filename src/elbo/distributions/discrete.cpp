#include "elbo/distributions/discrete.h"

#include <cmath>

#include "elbo/kernels/choice.h"
#include "elbo/kernels/densities.h"

namespace elbo {
namespace {

// Below this |logit| series replace quotients of two vanishing numbers.
constexpr double kSeries = 0.1;

Tensor cross_entropy(const Tensor& logits, const Tensor& x) {
  // log_sigmoid on both sides keeps both tails and the derivative at 0.
  return x * at::log_sigmoid(logits) + (1 - x) * at::log_sigmoid(-logits);
}

// log of l / tanh(l / 2), the constant that makes the density exp(l x) (1 - p) integrate to 1.
Tensor log_constant(const Tensor& l) {
  auto small = l.abs() < kSeries;
  auto safe = torch::where(small, torch::ones_like(l), l);
  auto square = 0.25 * l * l;
  auto series = square * (1.0 / 3 + square * (-7.0 / 90 + square * (62.0 / 2835))) + M_LN2;
  return torch::where(small, series, (safe / (0.5 * safe).tanh()).log());
}

// Class numbers of shape prefix + logits without the last axis, by the Gumbel trick.
Tensor draw_class(const Tensor& logits, torch::IntArrayRef prefix) {
  auto u = open_uniform(draw_shape(prefix, logits.sizes()), logits.options().requires_grad(false));
  return (logits.detach() - (-u.log()).log()).argmax(-1);
}

Tensor kl_classes(const Tensor& q, const Tensor& p) {
  auto log_q = q.log_softmax(-1);
  return (log_q.exp() * (log_q - p.log_softmax(-1))).sum(-1);
}

const bool discrete_added = [] {
  add_kl<Bernoulli, Bernoulli>([](const Bernoulli& q, const Bernoulli& p) {
    auto probability = q.logits.sigmoid();
    return cross_entropy(q.logits, probability) - cross_entropy(p.logits, probability);
  });
  add_kl<Categorical, Categorical>(
      [](const Categorical& q, const Categorical& p) { return kl_classes(q.logits, p.logits); });
  add_kl<OneHot, OneHot>(
      [](const OneHot& q, const OneHot& p) { return kl_classes(q.logits, p.logits); });
  add_kl<Poisson, Poisson>([](const Poisson& q, const Poisson& p) {
    return q.mean() * (q.log_rate - p.log_rate) - q.mean() + p.mean();
  });
  return true;
}();

}  // namespace

Tensor Bernoulli::log_prob(const Tensor& x) const { return cross_entropy(logits, x); }

Tensor Bernoulli::row_log_prob(const Tensor& x, const Tensor& mask) const {
  return kernels::bernoulli_rows(logits, x, mask);
}

Tensor Bernoulli::sample(torch::IntArrayRef prefix) const {
  auto p = logits.detach().sigmoid();
  return torch::rand(draw_shape(prefix, p.sizes()), p.options()).lt_(p).to(p.scalar_type());
}

Tensor Bernoulli::stddev() const { return (logits.sigmoid() * (-logits).sigmoid()).sqrt(); }

Tensor ContinuousBernoulli::log_prob(const Tensor& x) const {
  return cross_entropy(logits, x) + log_constant(logits);
}

Tensor ContinuousBernoulli::row_log_prob(const Tensor& x, const Tensor& mask) const {
  if (!kernels::fuses_like(logits, x)) return Distribution::row_log_prob(x, mask);
  return kernels::bernoulli_rows(logits, x, mask) + row_sum(log_constant(logits), mask);
}

Tensor ContinuousBernoulli::sample(torch::IntArrayRef prefix) const {
  constexpr double kSmall = 0.03;
  auto u = open_uniform(draw_shape(prefix, logits.sizes()), logits.options().requires_grad(false));
  auto small = logits.abs() < kSmall;
  // The inverse distribution function for |l|, mirrored for l < 0.
  auto a = torch::where(small, torch::ones_like(logits), logits.abs());
  auto up = 1 + ((1 - u) * (-a).expm1()).log1p() / a;
  auto direct = torch::where(logits < 0, 1 - up, up);
  auto bend = u * (1 - u) * logits;
  return torch::where(small, u + bend * (0.5 + logits * (1 - 2 * u) / 6), direct);
}

Tensor ContinuousBernoulli::mean() const {
  auto small = logits.abs() < kSeries;
  auto safe = torch::where(small, torch::ones_like(logits), logits);
  auto square = logits * logits;
  auto series = 0.5 + logits * (1.0 / 12 + square * (-1.0 / 720 + square / 30240));
  return torch::where(small, series, -1 / (-safe).expm1() - 1 / safe);
}

Tensor ContinuousBernoulli::stddev() const {
  constexpr double kSmall = 0.3;
  auto small = logits.abs() < kSmall;
  auto safe = torch::where(small, torch::ones_like(logits), logits);
  auto s = logits * logits;
  auto series = 1.0 / 12 + s * (-1.0 / 240 + s * (1.0 / 6048 + s * (-1.0 / 172800 + s / 5322240)));
  // sinh overflows to infinity, whose reciprocal is the 0 that is meant.
  auto direct = safe.square().reciprocal() - 0.25 * (0.5 * safe).sinh().square().reciprocal();
  return torch::where(small, series, direct).sqrt();
}

Tensor Categorical::log_prob(const Tensor& x) const {
  auto log_p = logits.log_softmax(-1);
  auto number = x.to(torch::kInt64).unsqueeze(-1);
  // gather does not broadcast.
  const auto rows = at::infer_size(number.sizes().slice(0, number.dim() - 1),
                                   log_p.sizes().slice(0, log_p.dim() - 1));
  auto index = number.expand(draw_shape(rows, {1}));
  return log_p.expand(draw_shape(rows, {log_p.size(-1)})).gather(-1, index).squeeze(-1);
}
Tensor Categorical::typical(const Particles& of) const {
  return of.mixed(logits.softmax(-1)).argmax(-1).to(logits.scalar_type());
}
Tensor Categorical::sample(torch::IntArrayRef prefix) const {
  return draw_class(logits, prefix).to(logits.scalar_type());
}

Tensor UniformCategorical::log_prob(const Tensor& x) const {
  return torch::full(x.sizes(), -std::log(static_cast<double>(classes)), options);
}

Tensor UniformCategorical::sample(torch::IntArrayRef prefix) const {
  return torch::randint(classes, draw_shape(prefix, shape), options);
}

Tensor OneHot::log_prob(const Tensor& x) const { return (x * logits.log_softmax(-1)).sum(-1); }
Tensor OneHot::typical(const Particles& of) const {
  const auto likeliest = of.mixed(logits.softmax(-1)).argmax(-1);
  return at::one_hot(likeliest, logits.size(-1)).to(logits.scalar_type());
}
Tensor OneHot::sample(torch::IntArrayRef prefix) const {
  return at::one_hot(draw_class(logits, prefix), logits.size(-1)).to(logits.scalar_type());
}
Tensor OneHot::stddev() const {
  auto p = logits.softmax(-1);
  return (p * (1 - p)).sqrt();
}

Tensor Poisson::log_prob(const Tensor& x) const {
  return x * log_rate - log_rate.exp() - (x + 1).lgamma();
}
Tensor Poisson::sample(torch::IntArrayRef prefix) const {
  return torch::poisson(log_rate.detach().exp().expand(draw_shape(prefix, log_rate.sizes())));
}

Tensor NegativeBinomial::log_prob(const Tensor& x) const {
  auto logits = log_mean - log_total, total = log_total.exp();
  return (x + total).lgamma() - total.lgamma() - (x + 1).lgamma() +
         total * at::log_sigmoid(-logits) + x * at::log_sigmoid(logits);
}
Tensor NegativeBinomial::sample(torch::IntArrayRef prefix) const {
  const auto shape = draw_shape(prefix, broadcast_shape(log_mean, log_total));
  auto total = log_total.detach().exp();
  auto rate = at::_standard_gamma(total.expand(shape).contiguous());
  return torch::poisson(rate * log_mean.detach().exp() / total);
}
Tensor NegativeBinomial::mean() const {
  return log_mean.exp().expand(broadcast_shape(log_mean, log_total));
}
Tensor NegativeBinomial::stddev() const {
  return (log_mean.exp() + (2 * log_mean - log_total).exp()).sqrt();
}

Dist checked::bernoulli(const Tensor& logits) {
  check_parameter("bernoulli", "logits", logits, false);
  return std::make_shared<Bernoulli>(logits);
}
Dist checked::continuous_bernoulli(const Tensor& logits) {
  check_parameter("continuous_bernoulli", "logits", logits, false);
  return std::make_shared<ContinuousBernoulli>(logits);
}
Dist checked::categorical(const Tensor& logits) {
  check_parameter("categorical", "logits", logits, false);
  return std::make_shared<Categorical>(logits);
}
Dist checked::one_hot(const Tensor& logits) {
  check_parameter("one_hot", "logits", logits, false);
  return std::make_shared<OneHot>(logits);
}
Dist checked::poisson(const Tensor& rate) {
  check_parameter("poisson", "rate", rate, true);
  return std::make_shared<Poisson>(rate);
}
Dist checked::negative_binomial(const Tensor& mean, const Tensor& total) {
  check_parameter("negative_binomial", "mean", mean, true);
  check_parameter("negative_binomial", "total", total, true);
  return std::make_shared<NegativeBinomial>(mean, total);
}

}  // namespace elbo
