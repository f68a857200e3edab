#include "elbo/nn/gru.h"

#include "elbo/kernels/choice.h"

namespace elbo {

Tensor plain_gru(const Tensor& a, const Tensor& z, const Tensor& h, const Tensor& weight,
                 const Tensor& bias, const std::vector<int64_t>& rows) {
  const int64_t width = h.size(1);
  std::vector<Tensor> outputs;
  auto before = h;
  int64_t at = 0;
  for (const int64_t n : rows) {
    before = before.narrow(0, 0, n);
    auto of_input = a.narrow(0, at, n);
    if (z.defined()) of_input = of_input + z.narrow(0, 0, n);
    const auto of_memory = torch::linear(before, weight, bias);
    const auto i = of_input.split(width, 1), m = of_memory.split(width, 1);
    const auto reset = (i[0] + m[0]).sigmoid(), keep = (i[1] + m[1]).sigmoid();
    const auto fresh = (i[2] + reset * m[2]).tanh();
    before = fresh + keep * (before - fresh);
    outputs.push_back(before);
    at += n;
  }
  if (at < a.size(0)) outputs.push_back(torch::zeros({a.size(0) - at, width}, a.options()));
  return torch::cat(outputs);
}

Tensor gru(const Tensor& a, const Tensor& z, const Tensor& h, const Tensor& weight,
           const Tensor& bias, const std::vector<int64_t>& rows) {
  const bool fast = has_fast_gru(a, weight) && !plain_operations();
  return fast ? fast_gru(a, z, h, weight, bias, rows) : plain_gru(a, z, h, weight, bias, rows);
}

}  // namespace elbo
