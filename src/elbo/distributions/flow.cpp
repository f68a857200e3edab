#include "elbo/distributions/flow.h"

namespace elbo {
namespace {

// The base's density per row, whether it is one number per component or a joint one.
Tensor joint(const Tensor& log_prob, const Tensor& z) {
  return log_prob.dim() == z.dim() ? log_prob.sum(-1) : log_prob;
}

}  // namespace

Mapped Flow::push(Tensor z) const {
  Tensor total = torch::zeros(z.sizes().slice(0, z.dim() - 1), z.options());
  for (const auto& map : maps) {
    auto step = map->push(z);
    z = step.value;
    total = total + step.log_det;
  }
  return {z, total};
}

Tensor Flow::log_prob(const Tensor& x) const {
  Tensor z = x;
  Tensor total = torch::zeros(x.sizes().slice(0, x.dim() - 1), x.options());
  for (auto map = maps.rbegin(); map != maps.rend(); ++map) {
    auto step = (*map)->pull(z);
    z = step.value;
    total = total + step.log_det;
  }
  return total + joint(base->log_prob(z), z);
}

Tensor Flow::sample(torch::IntArrayRef prefix) const { return push(base->sample(prefix)).value; }

Tensor Flow::mean() const { return push(base->mean()).value; }

std::pair<Tensor, Tensor> Flow::sample_and_log_prob() const {
  const auto [z, log_q] = base->sample_and_log_prob();
  const auto mapped = push(z);
  return {mapped.value, joint(log_q, z) - mapped.log_det};
}

}  // namespace elbo
