#include "elbo/core/profile.h"
#include "elbo/kernels/bf16.h"
#include "elbo/kernels/choice.h"
#include "elbo/kernels/pointwise.h"
#include "elbo/nn/bf16.h"
#include "elbo/nn/convolution.h"
#include "elbo/nn/image_product.h"
#include "elbo/nn/product.h"
#include "elbo/nn/tiled_product.h"

namespace elbo {
namespace {

constexpr auto kChannelsLast = torch::MemoryFormat::ChannelsLast;

Tensor empty_image(int64_t rows, const Shape& shape, const Tensor& like) {
  return torch::empty({rows, shape[0], shape[1], shape[2]},
                      like.options().memory_format(kChannelsLast));
}

/// The numbers of a channels-last image in the order in which they lie, whatever its strides say.
Tensor bf16_image(const Tensor& image) {
  auto low = empty_bf16(image.sizes());
  to_bf16(floats(image), halves_of_floats(low), image.numel());
  return low;
}

Shape image_shape(const Tensor& x) { return {x.size(1), x.size(2), x.size(3)}; }

// The convolution whose gradient a transposed one is has that one's output as its source.
ImageProduct product_of(const ConvolutionPlan& plan, int64_t rows, const Shape& input, bool bf16) {
  const auto out = plan.output(input);
  const std::array<int64_t, 2> before{input[1], input[2]}, after{out[1], out[2]};
  if (plan.transposed) {
    return {rows,        plan.units(), plan.in,      after, before,
            plan.kernel, plan.stride,  plan.padding, bf16};
  }
  return {rows, plan.in, plan.units(), before, after, plan.kernel, plan.stride, plan.padding, bf16};
}

bool goes_by_tiles(const ConvolutionPlan& plan, const ImageProduct& product) {
  return !plan.transposed && tiles_pay(product);
}

// The affine map, with as much of the activation as can be fused: returns what is left of it.
Activation affine(const Tensor& x, const Tensor& weight, const Tensor& bias,
                  const ConvolutionPlan& plan, bool differentiable, Tensor& a) {
  const bool bf16 = x.scalar_type() == torch::kBFloat16;
  const auto product = product_of(plan, x.size(0), image_shape(x), bf16);
  const Timed timed("forward", floats(weight), work_of(product));
  const bool from_output = derivative_from_output(plan.activation) || !differentiable;
  const bool fused = fuses(plan.activation) && from_output;
  const float* b = bias.defined() ? floats(bias) : nullptr;
  if (differentiable && goes_by_tiles(plan, product)) {
    tiled_forward(product, floats(x), floats(weight), b, floats(a));
    return plan.activation;
  }
  if (!plan.transposed) {
    image_forward(product, x.data_ptr(), floats(weight), b,
                  fused ? plan.activation : Activation::kNone, floats(a));
    return fused ? Activation::kNone : plan.activation;
  }
  image_backward(product, x.data_ptr(), floats(weight), floats(a));
  const bool one_pass = fused && has_pointwise_forward(plan.activation);
  pointwise_forward(one_pass ? plan.activation : Activation::kNone, b, floats(a),
                    a.numel() / a.size(1), a.size(1));
  return one_pass ? Activation::kNone : plan.activation;
}

// x: float32, or bfloat16 numbers that lie alike. `a` becomes what the derivative needs: the
// output, or the values before the activation.
Tensor compute_convolution(const Tensor& x, const Tensor& weight, const Tensor& bias,
                           const ConvolutionPlan& plan, bool differentiable, Tensor& a) {
  auto shape = plan.output(image_shape(x));
  shape[0] = plan.units();
  a = empty_image(x.size(0), shape, weight);
  const auto left = affine(x, weight, bias, plan, differentiable, a);
  if (left == Activation::kNone) return a;
  Tensor y;
  if (left == Activation::kGated) {
    shape[0] = plan.out;
    y = empty_image(x.size(0), shape, weight);
    gated_forward(floats(a), floats(y), y.numel() / plan.out, plan.out);
  } else {
    y = activate(a, left);
    if (derivative_from_output(left)) a = y;
  }
  return y;
}

struct ConvolutionNode : WeightNode {
  ConvolutionPlan plan;
  bool bf16 = false;

  std::string name() const override { return "elbo::Convolution"; }
  Gradients backward(const Gradients& grads) override {
    const auto x = input(0), weight = input(1), bias = input(2);
    if (is_differentiated()) {
      return differentiable_gradients(*this, {x, weight, bias},
                                      plain_convolve(x, weight, bias, plan), grads[0]);
    }
    Gradients result(3);
    const auto db = sink(2, bias), dw = sink(1, weight);
    const auto grad = grads[0].contiguous(kChannelsLast);
    const auto& read = bf16 ? made(1) : x;
    const auto gradient = bf16 ? bf16_activation_gradient : activation_gradient;
    const auto da = gradient(plan.activation, grad, made(0), grad.numel() / plan.out, plan.out,
                             db ? floats(db->into) : nullptr, db && db->direct);
    if (db) result[2] = db->result();
    const auto product = product_of(plan, x.size(0), image_shape(x), bf16);
    const bool tiled = goes_by_tiles(plan, product);
    if (dw) {
      const auto &src = plan.transposed ? da : read, &dst = plan.transposed ? read : da;
      const Timed timed("weight gradient", floats(weight), work_of(product));
      if (tiled) {
        tiled_weights(product, floats(src), floats(dst), floats(dw->into), dw->direct);
      } else {
        image_weights(product, src.data_ptr(), dst.data_ptr(), floats(dw->into), dw->direct);
      }
      result[1] = dw->result();
    }
    if (wanted(0)) {
      result[0] = empty_image(x.size(0), image_shape(x), x);
      const Timed timed("input gradient", floats(weight), work_of(product));
      if (plan.transposed) {
        image_forward(product, da.data_ptr(), floats(weight), nullptr, Activation::kNone,
                      floats(result[0]));
      } else if (tiled) {
        tiled_backward(product, floats(da), floats(weight), floats(result[0]));
      } else {
        image_backward(product, da.data_ptr(), floats(weight), floats(result[0]));
      }
    }
    return result;
  }
};

}  // namespace

bool has_fast_convolution(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  auto plain = [](const Tensor& t) {
    return t.device().is_cpu() && t.scalar_type() == torch::kFloat;
  };
  return plain(x) && plain(weight) && (!bias.defined() || plain(bias)) && x.numel() > 0;
}

Tensor fast_convolve(const Tensor& x, const Tensor& weight, const Tensor& bias,
                     const ConvolutionPlan& plan) {
  const auto image = x.contiguous(kChannelsLast), w = weight.contiguous();
  const auto b = bias.defined() ? bias.contiguous() : bias;
  const auto node = node_of<ConvolutionNode>(image, w, b);
  const bool bf16 = Bf16Products::current() != nullptr;
  const auto read = bf16 ? bf16_image(image) : image;
  Tensor a;
  const auto y = compute_convolution(read, w, b, plan, node != nullptr, a);
  if (node) {
    node->plan = plan;
    node->bf16 = bf16;
    node->keep_input(image);
    node->keep_parameter(w);
    node->keep_parameter(b);
    a.is_same(y) ? node->keep_output(y) : node->keep(a);
    if (bf16) node->keep(read);
  }
  return from_node(y, node);
}

}  // namespace elbo
