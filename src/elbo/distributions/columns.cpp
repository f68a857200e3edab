#include "elbo/distributions/columns.h"

#include <algorithm>
#include <cmath>

#include "elbo/core/constants.h"

namespace elbo {
namespace {

/// f(group) of all groups, put into the order of the columns; undefined where one is.
template <class F>
Tensor in_order(const Columns& columns, F f) {
  std::vector<Tensor> parts;
  for (const auto& group : columns.groups) {
    parts.push_back(f(group));
    if (!parts.back().defined()) return Tensor();
  }
  return torch::cat(parts, -1).index_select(-1, columns.order);
}

// log(1 - exp(x)) for x < 0; each branch stays finite where the other one is taken.
Tensor log1m_exp(const Tensor& x) {
  const auto near = (-x.expm1()).clamp_min(1e-38).log();
  return torch::where(x > -0.6931, near, (-x.clamp_max(-0.5).exp()).log1p());
}

constexpr double kSmallest = 1e-30;

}  // namespace

Tensor Columns::log_prob(const Tensor& x) const {
  return in_order(*this,
                  [&](const Group& g) { return g.dist->log_prob(x.index_select(-1, g.at)); });
}

Tensor Columns::sample(torch::IntArrayRef prefix) const {
  return in_order(*this, [&](const Group& g) { return g.dist->sample(prefix); });
}

Tensor Columns::sample_columns(const Tensor& wanted) const {
  std::vector<Tensor> parts;
  Shape rows;
  for (const auto& group : groups) {
    const bool read = wanted.index_select(0, group.at).any().item<bool>();
    parts.push_back(read ? group.dist->sample() : Tensor());
    if (read) rows = parts.back().sizes().vec();
  }
  if (rows.empty()) return sample();
  for (size_t i = 0; i < groups.size(); ++i) {
    if (parts[i].defined()) continue;
    rows.back() = groups[i].at.size(0);
    parts[i] = torch::zeros(rows);
  }
  return torch::cat(parts, -1).index_select(-1, order);
}

Tensor Columns::mean() const {
  return in_order(*this, [](const Group& g) { return g.dist->mean(); });
}

Tensor Columns::typical(const Particles& of) const {
  return in_order(*this, [&](const Group& g) { return g.dist->typical(of.of_columns(g.at)); });
}

bool Columns::factorises() const {
  return std::all_of(groups.begin(), groups.end(),
                     [](const Group& g) { return g.dist->factorises(); });
}

Tensor Columns::stddev() const {
  return in_order(*this, [](const Group& g) { return g.dist->stddev(); });
}

Dist Columns::detached() const {
  auto copies = groups;
  for (auto& group : copies) {
    group.dist = group.dist->detached();
    if (!group.dist) return nullptr;
  }
  return std::make_shared<Columns>(std::move(copies), order);
}

Tensor LogNormal::log_prob(const Tensor& x) const {
  const auto log_x = x.clamp_min(kSmallest).log();
  const auto u = (log_x - loc) * (-log_scale).exp();
  return -0.5 * u.square() - log_scale - log_x - kHalfLogTwoPi;
}

Tensor LogNormal::sample(torch::IntArrayRef prefix) const {
  const auto shape = draw_shape(prefix, broadcast_shape(loc, log_scale));
  return (loc + log_scale.exp() * torch::randn(shape, loc.options())).exp();
}

Tensor LogNormal::mean() const { return (loc + 0.5 * (2 * log_scale).exp()).exp(); }

Tensor LogNormal::stddev() const { return mean() * (2 * log_scale).exp().expm1().sqrt(); }

Dist LogNormal::detached() const {
  return std::make_shared<LogNormal>(loc.detach(), Log(log_scale.detach()));
}

Tensor ZeroInflated::log_prob(const Tensor& x) const {
  const auto zero = torch::log_sigmoid(logits);
  const auto rest = torch::log_sigmoid(-logits) + base->log_prob(x);
  return torch::where(x == 0, discrete ? torch::logaddexp(zero, rest) : zero.expand_as(rest), rest);
}

Tensor ZeroInflated::sample(torch::IntArrayRef prefix) const {
  const auto x = base->sample(prefix);
  return x * (torch::rand_like(x) >= logits.sigmoid());
}

Tensor ZeroInflated::mean() const { return (-logits).sigmoid() * base->mean(); }

Tensor ZeroInflated::stddev() const {
  const auto deviation = base->stddev();
  if (!deviation.defined()) return deviation;
  const auto rest = (-logits).sigmoid(), centre = base->mean();
  return (rest * (deviation.square() + logits.sigmoid() * centre.square())).sqrt();
}

Dist ZeroInflated::detached() const {
  auto fixed = base->detached();
  return fixed ? std::make_shared<ZeroInflated>(logits.detach(), fixed, discrete) : nullptr;
}

// sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)).
Tensor RoundedLogistic::log_prob(const Tensor& x) const {
  const auto inverse = (-log_scale).exp();
  const auto upper = torch::log_sigmoid((x + 0.5 - loc) * inverse);
  const auto lower = torch::log_sigmoid((loc - x + 0.5) * inverse) + log1m_exp(-inverse);
  return upper + torch::where(x > 0, lower, torch::zeros({}, lower.options()));
}

Tensor RoundedLogistic::sample(torch::IntArrayRef prefix) const {
  const auto u = open_uniform(draw_shape(prefix, broadcast_shape(loc, log_scale)), loc.options());
  return (loc + log_scale.exp() * (u / (1 - u)).log()).round().clamp_min(0);
}

Tensor RoundedLogistic::mean() const {
  const auto scale = log_scale.exp();
  return scale * torch::softplus(loc / scale);
}

Dist RoundedLogistic::detached() const {
  return std::make_shared<RoundedLogistic>(loc.detach(), Log(log_scale.detach()));
}

Tensor Ordinal::mean() const { return typical(); }

Tensor Ordinal::typical(const Particles& of) const {
  // The number of classes whose cumulated probability stays below one half.
  const auto below = of.mixed(logits.softmax(-1)).cumsum(-1) < 0.5;
  return below.sum(-1).clamp_max(logits.size(-1) - 1).to(logits.scalar_type());
}

Tensor cumulative_logits(const Tensor& cuts, const Tensor& eta) {
  const auto at = cuts - eta;  // [..., K-1]
  const auto lower = torch::log_sigmoid(at), upper = torch::log_sigmoid(-at);
  const auto k = at.size(-1);
  const auto gap = log1m_exp((cuts.narrow(-1, 0, k - 1) - cuts.narrow(-1, 1, k - 1)));
  const auto middle = lower.narrow(-1, 1, k - 1) + upper.narrow(-1, 0, k - 1) + gap;
  return torch::cat({lower.narrow(-1, 0, 1), middle, upper.narrow(-1, k - 1, 1)}, -1);
}

Dist checked::log_normal(const Tensor& loc, const Tensor& scale) {
  check_parameter("log_normal", "loc", loc, false);
  check_parameter("log_normal", "scale", scale, true);
  return std::make_shared<LogNormal>(loc, scale);
}
Dist checked::zero_inflated(const Tensor& logits, Dist base, bool discrete) {
  check_parameter("zero_inflated", "logits", logits, false);
  return std::make_shared<ZeroInflated>(logits, std::move(base), discrete);
}
Dist checked::rounded_logistic(const Tensor& loc, const Tensor& scale) {
  check_parameter("rounded_logistic", "loc", loc, false);
  check_parameter("rounded_logistic", "scale", scale, true);
  return std::make_shared<RoundedLogistic>(loc, scale);
}

}  // namespace elbo
