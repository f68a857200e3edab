#include "elbo/nn/dense.h"

#include "elbo/kernels/choice.h"

namespace elbo {

Tensor plain_dense(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   Activation activation) {
  return activate(torch::linear(x, weight, bias), activation);
}

Tensor dense(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation) {
  check(x.dim() > 0, "[dense] input: a single number, expected a last axis of ", weight.size(1));
  const auto rows = x.dim() == 2 ? x : x.reshape({-1, x.size(-1)});
  const auto y = dense_chain(rows, {{weight, bias, activation}});
  if (x.dim() == 2) return y;
  auto shape = x.sizes().vec();
  shape.back() = y.size(1);
  return y.reshape(shape);
}

Tensor dense_chain(const Tensor& x, const std::vector<DenseLayer>& layers) {
  int64_t size = x.size(-1);
  for (const auto& l : layers) {
    check(size == l.weight.size(1), "[dense] input: last axis of size ", size, ", expected ",
          l.weight.size(1));
    size = l.weight.size(0) / (l.activation == Activation::kGated ? 2 : 1);
  }
  if (has_fast_dense(x, layers) && !plain_operations()) return fast_dense(x, layers);
  auto h = x;
  for (const auto& l : layers) h = plain_dense(h, l.weight, l.bias, l.activation);
  return h;
}

Dense::Dense(int64_t in, int64_t out, Activation activation, bool with_bias,
             const std::string& init)
    : in(in), out(out), activation(activation) {
  check(in > 0 && out > 0, "[dense] sizes: found ", in, " to ", out, ", both must be positive");
  const int64_t rows = activation == Activation::kGated ? 2 * out : out;
  weight = register_parameter("weight", torch::empty({rows, in}));
  if (with_bias) bias = register_parameter("bias", torch::empty({rows}));
  initialize(weight, bias, in, out, init);
}

LayerReport Dense::report(const std::string& name) const {
  const int64_t biases = bias.defined() ? bias.numel() : 0;
  return {name, {out}, weight.numel() + biases, 2 * weight.numel()};
}

}  // namespace elbo
