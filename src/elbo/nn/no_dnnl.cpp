#include "elbo/nn/bf16.h"
#include "elbo/nn/convolution.h"
#include "elbo/nn/dense.h"
#include "elbo/nn/gru.h"

namespace elbo {

bool has_bf16(std::string* why) {
  if (why) *why = "this build has no oneDNN";
  return false;
}

bool has_fast_dense(const Tensor&, const std::vector<DenseLayer>&) { return false; }

Tensor fast_dense(const Tensor& x, const std::vector<DenseLayer>& layers) {
  auto h = x;
  for (const auto& l : layers) h = plain_dense(h, l.weight, l.bias, l.activation);
  return h;
}

bool has_fast_convolution(const Tensor&, const Tensor&, const Tensor&) { return false; }

Tensor fast_convolve(const Tensor& x, const Tensor& weight, const Tensor& bias,
                     const ConvolutionPlan& plan) {
  return plain_convolve(x, weight, bias, plan);
}

bool has_fast_gru(const Tensor&, const Tensor&) { return false; }

Tensor fast_gru(const Tensor& a, const Tensor& z, const Tensor& h, const Tensor& weight,
                const Tensor& bias, const std::vector<int64_t>& rows) {
  return plain_gru(a, z, h, weight, bias, rows);
}

}  // namespace elbo
