#include "elbo/nn/convolution.h"

#include "elbo/kernels/choice.h"

namespace elbo {

Shape ConvolutionPlan::output(const Shape& input) const {
  Shape shape{out, 0, 0};
  for (size_t i = 0; i < 2; ++i) {
    const int64_t size = input[i + 1];
    shape[i + 1] = transposed
                       ? (size - 1) * stride[i] - 2 * padding[i] + kernel[i] + output_padding[i]
                       : (size + 2 * padding[i] - kernel[i]) / stride[i] + 1;
    check(shape[i + 1] > 0 && (transposed || size + 2 * padding[i] >= kernel[i]),
          "[convolution] input ", to_string(input), ": too small for a kernel of ", kernel[i]);
  }
  return shape;
}

Tensor plain_convolve(const Tensor& x, const Tensor& weight, const Tensor& bias,
                      const ConvolutionPlan& plan) {
  const std::array<int64_t, 2> dilation{1, 1};
  const auto a = torch::convolution(x, weight, bias, plan.stride, plan.padding, dilation,
                                    plan.transposed, plan.output_padding, 1);
  return activate(a, plan.activation);
}

Tensor convolve(const Tensor& x, const Tensor& weight, const Tensor& bias,
                const ConvolutionPlan& plan) {
  check(x.dim() == 4 && x.size(1) == plan.in, "[convolution] input: found shape ",
        to_string(Shape(x.sizes().begin(), x.sizes().end())), ", expected rows x ", plan.in,
        " channels x height x width");
  plan.output({x.size(1), x.size(2), x.size(3)});  // refuses what is too small
  const bool fast = has_fast_convolution(x, weight, bias) && !plain_operations();
  return fast ? fast_convolve(x, weight, bias, plan) : plain_convolve(x, weight, bias, plan);
}

Convolution::Convolution(const ConvolutionPlan& plan, bool with_bias, const std::string& init)
    : plan(plan) {
  check(plan.in > 0 && plan.out > 0, "[convolution] channels: found ", plan.in, " to ", plan.out,
        ", both must be positive");
  const auto [kh, kw] = plan.kernel;
  weight =
      register_parameter("weight", plan.transposed ? torch::empty({plan.in, plan.units(), kh, kw})
                                                   : torch::empty({plan.units(), plan.in, kh, kw}));
  if (with_bias) bias = register_parameter("bias", torch::empty({plan.units()}));
  // An output of a transposed convolution sees one stride-th of the kernel along each axis.
  const int64_t skipped = plan.transposed ? plan.stride[0] * plan.stride[1] : 1;
  const int64_t fan_in = std::max<int64_t>(1, plan.in * kh * kw / skipped);
  initialize(weight, bias, fan_in, plan.out * kh * kw, init);
}

LayerReport Convolution::report(const std::string& name, const Shape& input) const {
  auto shape = plan.output(input);
  const int64_t places = plan.transposed ? input[1] * input[2] : shape[1] * shape[2];
  const int64_t biases = bias.defined() ? bias.numel() : 0;
  return {name, shape, weight.numel() + biases, 2 * weight.numel() * places};
}

}  // namespace elbo
