#include "elbo/nn/convolution.h"
#include "elbo/nn/dense.h"

namespace elbo {

bool has_fast_dense(const Tensor&, const Tensor&, const Tensor&) { return false; }

Tensor fast_dense(const Tensor& x, const Tensor& weight, const Tensor& bias,
                  Activation activation) {
  return plain_dense(x, weight, bias, activation);
}

bool has_fast_convolution(const Tensor&, const Tensor&, const Tensor&) { return false; }

Tensor fast_convolve(const Tensor& x, const Tensor& weight, const Tensor& bias,
                     const ConvolutionPlan& plan) {
  return plain_convolve(x, weight, bias, plan);
}

}  // namespace elbo
