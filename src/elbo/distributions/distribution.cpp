#include "elbo/distributions/distribution.h"

#include <ATen/ExpandUtils.h>

namespace elbo {

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
