#include "elbo/distributions/composite.h"

#include "elbo/kernels/arithmetic.h"

namespace elbo {

Tensor Mixture::masked_log_prob(const Tensor& x, const Tensor& mask) const {
  const int64_t axis = -1 - event_dims;
  auto each = components->log_prob(x.unsqueeze(axis));  // [..., K, event…]
  if (mask.defined()) {
    each =
        torch::where(mask.unsqueeze(axis).to(torch::kBool), each, torch::zeros({}, each.options()));
  }
  if (event_dims > 0) each = each.flatten(axis + 1).sum(-1);
  return (each + logits.log_softmax(-1)).logsumexp(-1);
}

Tensor Mixture::row_log_prob(const Tensor& x, const Tensor& mask) const {
  return row_sum(masked_log_prob(x, mask));
}

Tensor Mixture::component_weights() const {
  auto weights = logits.softmax(-1);
  for (int64_t i = 0; i < event_dims; ++i) weights = weights.unsqueeze(-1);
  return weights;
}

Tensor Mixture::sample(torch::IntArrayRef prefix) const {
  // A draw of every component, of which one is kept.
  auto all = components->sample(prefix);
  const int64_t axis = all.dim() - 1 - event_dims;
  auto one = all.sizes().vec();
  one[axis] = 1;
  Shape choices(one.begin(), one.begin() + axis);
  choices.push_back(logits.size(-1));
  auto u = open_uniform(choices, logits.options().requires_grad(false));
  auto chosen = (logits.detach() - (-u.log()).log()).argmax(-1, true);
  for (int64_t i = 0; i < event_dims; ++i) chosen = chosen.unsqueeze(-1);
  return all.gather(axis, chosen.expand(one)).squeeze(axis);
}

Tensor Mixture::mean() const {
  return (component_weights() * components->mean()).sum(-1 - event_dims);
}

Tensor Mixture::stddev() const {
  auto deviation = components->stddev();
  if (!deviation.defined()) return Tensor();
  auto weights = component_weights(), centre = components->mean();
  const int64_t axis = -1 - event_dims;
  auto spread = centre - (weights * centre).sum(axis, true);
  return (weights * (deviation.square() + spread.square())).sum(axis).sqrt();
}

Dist Mixture::detached() const {
  auto inner = components->detached();
  return inner ? std::make_shared<Mixture>(logits.detach(), inner, event_dims) : nullptr;
}

Tensor Affine::log_prob(const Tensor& x) const {
  return base->log_prob((x - loc) / scale) - scale.abs().log();
}

Tensor Affine::row_log_prob(const Tensor& x, const Tensor& mask) const {
  const auto standardised = kernels::standardise(x, loc, scale);
  if (log_volume.defined() && !mask.defined()) {
    return kernels::plus(base->row_log_prob(standardised), log_volume, -1);
  }
  auto jacobian = scale.abs().log().expand(broadcast_shape(x, scale));
  return base->row_log_prob(standardised, mask) - row_sum(jacobian, mask);
}

Tensor Affine::sample(torch::IntArrayRef prefix) const {
  return loc + scale * base->sample(prefix);
}

Tensor Affine::stddev() const {
  auto deviation = base->stddev();
  return deviation.defined() ? scale.abs() * deviation : Tensor();
}

Dist Affine::detached() const {
  auto inner = base->detached();
  return inner ? std::make_shared<Affine>(inner, loc.detach(), scale.detach(), log_volume)
               : nullptr;
}

Dist checked::mixture(const Tensor& logits, Dist components, int64_t event_dims) {
  check_parameter("mixture", "logits", logits, false);
  check(components != nullptr, "[mixture] components: found nothing, expected a distribution");
  check(event_dims >= 0, "[mixture] event_dims: found ", event_dims, ", must be 0 or more");
  return std::make_shared<Mixture>(logits, std::move(components), event_dims);
}

Dist checked::affine(Dist base, const Tensor& loc, const Tensor& scale) {
  check(base != nullptr, "[affine] base: found nothing, expected a distribution");
  check_parameter("affine", "loc", loc, false);
  check_parameter("affine", "|scale|", scale.abs(), true);
  return std::make_shared<Affine>(std::move(base), loc, scale);
}

}  // namespace elbo
