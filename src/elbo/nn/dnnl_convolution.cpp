#include "elbo/nn/convolution.h"
#include "elbo/nn/image_product.h"
#include "elbo/nn/pointwise.h"
#include "elbo/nn/product.h"

namespace elbo {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr auto kChannelsLast = torch::MemoryFormat::ChannelsLast;

float* floats(const Tensor& t) { return t.data_ptr<float>(); }

Tensor empty_image(int64_t rows, const Shape& shape, const Tensor& like) {
  return torch::empty({rows, shape[0], shape[1], shape[2]},
                      like.options().memory_format(kChannelsLast));
}

Shape image_shape(const Tensor& x) { return {x.size(1), x.size(2), x.size(3)}; }

// The convolution whose gradient a transposed one is has that one's output as its source.
ImageProduct product_of(const ConvolutionPlan& plan, int64_t rows, const Shape& input) {
  const auto out = plan.output(input);
  const std::array<int64_t, 2> before{input[1], input[2]}, after{out[1], out[2]};
  if (plan.transposed) {
    return {rows, plan.units(), plan.in, after, before, plan.kernel, plan.stride, plan.padding};
  }
  return {rows, plan.in, plan.units(), before, after, plan.kernel, plan.stride, plan.padding};
}

// The affine map, with as much of the activation as can be fused: returns what is left of it.
Activation affine(const Tensor& x, const Tensor& weight, const Tensor& bias,
                  const ConvolutionPlan& plan, bool differentiable, Tensor& a) {
  const auto product = product_of(plan, x.size(0), image_shape(x));
  const bool from_output = derivative_from_output(plan.activation) || !differentiable;
  const bool fused = fuses(plan.activation) && from_output;
  const float* b = bias.defined() ? floats(bias) : nullptr;
  if (!plan.transposed) {
    image_forward(product, floats(x), floats(weight), b,
                  fused ? plan.activation : Activation::kNone, floats(a));
    return fused ? Activation::kNone : plan.activation;
  }
  image_backward(product, floats(x), floats(weight), floats(a));
  const bool one_pass = fused && has_pointwise_forward(plan.activation);
  pointwise_forward(one_pass ? plan.activation : Activation::kNone, b, floats(a),
                    a.numel() / a.size(1), a.size(1));
  return one_pass ? Activation::kNone : plan.activation;
}

// `a` becomes what the derivative needs: the output, or the values before the activation.
Tensor compute(const Tensor& x, const Tensor& weight, const Tensor& bias,
               const ConvolutionPlan& plan, bool differentiable, Tensor& a) {
  auto shape = plan.output(image_shape(x));
  shape[0] = plan.units();
  a = empty_image(x.size(0), shape, x);
  const auto left = affine(x, weight, bias, plan, differentiable, a);
  if (left == Activation::kNone) return a;
  Tensor y;
  if (left == Activation::kGated) {
    shape[0] = plan.out;
    y = empty_image(x.size(0), shape, x);
    gated_forward(floats(a), floats(y), y.numel() / plan.out, plan.out);
  } else {
    y = activate(a, left);
    if (derivative_from_output(left)) a = y;
  }
  return y;
}

std::vector<int64_t> packed(const ConvolutionPlan& p) {
  return {p.in,
          p.out,
          p.kernel[0],
          p.kernel[1],
          p.stride[0],
          p.stride[1],
          p.padding[0],
          p.padding[1],
          p.output_padding[0],
          p.output_padding[1],
          p.transposed,
          static_cast<int64_t>(p.activation)};
}

ConvolutionPlan unpacked(const std::vector<int64_t>& v) {
  return {v[0],         v[1],         {v[2], v[3]}, {v[4], v[5]},
          {v[6], v[7]}, {v[8], v[9]}, v[10] != 0,   static_cast<Activation>(v[11])};
}

// Autograd wants every argument defined: no bias travels as an empty one.
Tensor absent_if_empty(const Tensor& bias) { return bias.numel() > 0 ? bias : Tensor(); }

struct ConvolutionFunction : torch::autograd::Function<ConvolutionFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight,
                        const Tensor& bias, const ConvolutionPlan& plan) {
    Tensor a;
    const auto y = compute(x, weight, absent_if_empty(bias), plan, true, a);
    ctx->save_for_backward({x, weight, bias, a});
    ctx->saved_data["plan"] = packed(plan);
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1];
    const auto bias = absent_if_empty(saved[2]);
    const auto plan = unpacked(ctx->saved_data["plan"].toIntVector());
    if (torch::GradMode::is_enabled()) {
      const variable_list inputs(saved.begin(), saved.begin() + 3);
      return differentiable_gradients(*ctx, inputs, plain_convolve(x, weight, bias, plan), grads[0],
                                      4);
    }
    variable_list result(4);
    std::optional<GradientSink> db;
    if (bias.defined() && ctx->needs_input_grad(2)) db.emplace(bias);
    const auto grad = grads[0].contiguous(kChannelsLast);
    const auto da =
        activation_gradient(plan.activation, grad, saved[3], grad.numel() / plan.out, plan.out,
                            db ? floats(db->into) : nullptr, db && db->direct);
    if (db) result[2] = db->result();
    const auto product = product_of(plan, x.size(0), image_shape(x));
    if (ctx->needs_input_grad(1)) {
      const GradientSink dw(weight);
      const auto &src = plan.transposed ? da : x, &dst = plan.transposed ? x : da;
      image_weights(product, floats(src), floats(dst), floats(dw.into), dw.direct);
      result[1] = dw.result();
    }
    if (ctx->needs_input_grad(0)) {
      result[0] = empty_image(x.size(0), image_shape(x), x);
      if (plan.transposed) {
        image_forward(product, floats(da), floats(weight), nullptr, Activation::kNone,
                      floats(result[0]));
      } else {
        image_backward(product, floats(da), floats(weight), floats(result[0]));
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
  const bool differentiable =
      torch::GradMode::is_enabled() &&
      (x.requires_grad() || weight.requires_grad() || (bias.defined() && bias.requires_grad()));
  if (differentiable) {
    return ConvolutionFunction::apply(image, w, b.defined() ? b : torch::empty({0}, w.options()),
                                      plan);
  }
  Tensor a;
  return compute(image, w, b, plan, false, a);
}

}  // namespace elbo
