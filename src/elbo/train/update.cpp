#include "elbo/train/optimizer.h"

namespace elbo {

void update_by_operations(const UpdateTensors& t, const UpdateFactors& f) {
  torch::NoGradGuard no_gradient;
  auto g = t.gradient.mul(f.scale);
  if (f.l2 != 0) g.add_(t.value, f.l2);
  t.first.mul_(f.beta1).add_(g, 1 - f.beta1);
  if (f.adamax) {
    t.second.copy_(torch::maximum(t.second * f.beta2, g.abs().add_(f.epsilon)));
    t.value.addcdiv_(t.first, t.second, -f.step);
  } else {
    t.second.mul_(f.beta2).addcmul_(g, g, 1 - f.beta2);
    const auto root = t.second.sqrt().mul_(f.root_scale).add_(f.epsilon);
    const auto old = f.decoupled != 0 ? t.value * f.decoupled : Tensor();
    t.value.addcdiv_(t.first, root, -f.step);
    if (old.defined()) t.value.sub_(old);
  }
  t.gradient.zero_();
  if (t.average.defined() && f.keep > 0) t.average.mul_(f.keep).add_(t.value, 1 - f.keep);
}

}  // namespace elbo
