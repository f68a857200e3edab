#include "elbo/core/tensor.h"

#include <numeric>

namespace elbo {

int64_t numel(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

std::string to_string(const Shape& shape) {
  std::string text;
  for (int64_t size : shape) text += (text.empty() ? "" : "x") + std::to_string(size);
  return text.empty() ? "1" : text;
}

Shape with_rows(int64_t rows, const Shape& shape) {
  Shape all{rows};
  all.insert(all.end(), shape.begin(), shape.end());
  return all;
}

Tensor in_shape(const Tensor& x, torch::IntArrayRef shape) {
  return x.sizes().equals(shape) ? x : x.reshape(shape);
}

Tensor tile(const Tensor& x, int64_t samples) {
  if (!x.defined() || samples == 1) return x;
  Shape shape{samples};
  shape.insert(shape.end(), x.sizes().begin(), x.sizes().end());
  return x.unsqueeze(0).expand(shape).reshape(
      with_rows(samples * x.size(0), Shape(x.sizes().begin() + 1, x.sizes().end())));
}

Tensor row_sum(const Tensor& per_component, const Tensor& mask) {
  // Where rather than times: an absent cell may hold NaN.
  auto kept = mask.defined() ? torch::where(mask.to(torch::kBool), per_component,
                                            torch::zeros({}, per_component.options()))
                             : per_component;
  return kept.dim() <= 1 ? kept : kept.flatten(1).sum(1);
}

Tensor straight_through(const Tensor& forward, const Tensor& backward) {
  return backward + (forward - backward).detach();
}

}  // namespace elbo
