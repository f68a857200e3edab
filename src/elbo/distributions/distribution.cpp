#include "elbo/distributions/distribution.h"

#include <ATen/ExpandUtils.h>

namespace elbo {

Tensor Particles::within(const Tensor& x) const {
  return low.defined() ? torch::minimum(torch::maximum(x, low), high) : x;
}

Tensor Particles::mixed(const Tensor& x) const {
  if (!weights.defined()) return x;
  const int64_t s = weights.size(0), b = weights.size(1);
  check(x.dim() > 0 && x.size(0) == s * b, "[particles] ", s, " of ", b,
        " rows: a distribution of shape ", to_string(x.sizes().vec()), ", expected ", s * b,
        " rows");
  auto by_particle = x.sizes().vec();
  by_particle[0] = b;
  by_particle.insert(by_particle.begin(), s);
  Shape share(by_particle.size(), 1);
  share[0] = s;
  share[1] = b;
  return (x.reshape(by_particle) * weights.view(share)).sum(0);
}

Particles Particles::of_columns(const Tensor& at) const {
  if (!low.defined()) return *this;
  return {weights, low.index_select(-1, at), high.index_select(-1, at)};
}

bool Distribution::factorises() const {
  const torch::NoGradGuard no_gradient;
  const auto x = mean();
  return log_prob(x).sizes() == x.sizes();
}

Shape draw_shape(torch::IntArrayRef prefix, torch::IntArrayRef parameters) {
  Shape shape = prefix.vec();
  shape.insert(shape.end(), parameters.begin(), parameters.end());
  return shape;
}

Shape broadcast_shape(const Tensor& a, const Tensor& b) {
  return at::infer_size(a.sizes(), b.sizes());
}

Tensor open_uniform(const Shape& shape, const torch::TensorOptions& options) {
  const double edge = options.dtype() == torch::kFloat64 ? 0x1p-54 : 0x1p-25;
  return torch::rand(shape, options).clamp(edge, 1 - 2 * edge);
}

void check_parameter(const char* distribution, const char* parameter, const Tensor& value,
                     bool positive) {
  check(value.defined(), "[", distribution, "] ", parameter, ": found nothing, expected a tensor");
  const char* allowed = positive ? "must be finite and positive" : "must be finite";
  auto good = value.isfinite();
  if (positive) good = good.logical_and(value > 0);
  if (good.all().item<bool>()) return;
  const auto bad = value.masked_select(good.logical_not());
  fail("[", distribution, "] ", parameter, ": found ", bad[0].item<double>(), ", ", allowed);
}

}  // namespace elbo
