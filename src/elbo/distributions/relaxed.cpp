#include "elbo/distributions/relaxed.h"

#include <cmath>

namespace elbo {
namespace {

Tensor gumbel(const Shape& shape, const Tensor& like) {
  const auto options = like.options().requires_grad(false);
  const auto u = torch::rand(shape, options).clamp(1e-10, 1 - 6e-8);
  return -(-u.log()).log();
}

Tensor in_groups(const Tensor& x, const Tensor& logits) {
  auto shape = x.sizes().vec();
  shape.back() = logits.size(-2);
  shape.push_back(logits.size(-1));
  return x.reshape(shape);
}

Tensor one_hot_of(const Tensor& score) {
  return torch::zeros_like(score).scatter(-1, score.argmax(-1, true), 1);
}

// Per group: sum of pi (log pi - log rho).
template <class Q>
Tensor kl_groups(const Q& q, const OneHotGroups& p) {
  const auto log_q = q.logits.log_softmax(-1), log_p = p.logits.log_softmax(-1);
  return (log_q.exp() * (log_q - log_p)).sum(-1);
}

const bool relaxed_added = add_kl<OneHotGroups, OneHotGroups>(kl_groups<OneHotGroups>) &&
                           add_kl<RelaxedOneHot, OneHotGroups>(kl_groups<RelaxedOneHot>);

}  // namespace

Tensor OneHotGroups::log_prob(const Tensor& x) const {
  return (in_groups(x, logits) * logits.log_softmax(-1)).sum(-1);
}

Tensor OneHotGroups::sample(torch::IntArrayRef prefix) const {
  torch::NoGradGuard no_gradient;
  return one_hot_of(logits + gumbel(draw_shape(prefix, logits.sizes()), logits)).flatten(-2);
}

Tensor RelaxedOneHot::log_prob(const Tensor& x) const {
  if (straight) return OneHotGroups(logits).log_prob(x);
  const double K = static_cast<double>(logits.size(-1));
  const auto log_x = in_groups(x, logits).clamp_min(1e-37).log();
  const auto score = logits.log_softmax(-1) - temperature * log_x;
  return std::lgamma(K) + (K - 1) * std::log(temperature) + (score - log_x).sum(-1) -
         K * score.logsumexp(-1);
}

Tensor RelaxedOneHot::sample(torch::IntArrayRef prefix) const {
  const auto noisy = logits + gumbel(draw_shape(prefix, logits.sizes()), logits);
  const auto soft = (noisy / temperature).softmax(-1);
  const auto x = straight ? straight_through(one_hot_of(noisy), soft) : soft;
  return x.flatten(-2);
}

Dist checked::relaxed_one_hot(const Tensor& logits, double temperature) {
  check_parameter("relaxed_one_hot", "logits", logits, false);
  check(temperature > 0 && std::isfinite(temperature), "[relaxed_one_hot] temperature: found ",
        temperature, ", must be positive");
  return std::make_shared<RelaxedOneHot>(logits, temperature);
}

}  // namespace elbo
