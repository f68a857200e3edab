#include "elbo/nn/recurrent.h"

namespace elbo {

GatedUnit::GatedUnit(int64_t in, int64_t size) : size(size) {
  of_input_ = register_module("of_input", std::make_shared<Dense>(in, 3 * size));
  of_memory_ = register_module("of_memory", std::make_shared<Dense>(size, 3 * size));
}

Tensor GatedUnit::forward(const Tensor& x, const Tensor& h) {
  const auto a = of_input_->forward(x).chunk(3, 1), b = of_memory_->forward(h).chunk(3, 1);
  const auto reset = (a[0] + b[0]).sigmoid(), keep = (a[1] + b[1]).sigmoid();
  const auto fresh = (a[2] + reset * b[2]).tanh();
  return fresh + keep * (h - fresh);
}

LayerReport GatedUnit::report(const std::string& name) const {
  const auto one = of_input_->report(name), other = of_memory_->report(name);
  return {name, {size}, one.parameters + other.parameters, one.flops + other.flops};
}

}  // namespace elbo
