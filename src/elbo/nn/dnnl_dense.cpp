#include <algorithm>

#include "elbo/nn/dense.h"
#include "elbo/nn/pointwise.h"
#include "elbo/nn/product.h"

namespace elbo {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool is_plain(const Tensor& t) {
  return t.device().is_cpu() && t.scalar_type() == torch::kFloat && t.layout() == torch::kStrided;
}

float* floats(const Tensor& t) { return t.data_ptr<float>(); }

struct Sizes {
  int64_t m, n, k;  // rows, columns of the weight's output, inputs
};

Sizes sizes_of(const Tensor& x, const Tensor& weight) {
  return {x.size(0), weight.size(0), x.size(1)};
}

// Fused where possible; `a` receives what the derivative needs where that is not the output.
Tensor compute(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation,
               bool differentiable, Tensor& a) {
  const auto [m, n, k] = sizes_of(x, weight);
  const bool fused = fuses(activation) && (derivative_from_output(activation) || !differentiable);
  auto product = Product{m, n, k, false, true, false, bias.defined()};
  if (fused) product.activation = activation;
  auto y = torch::empty({m, n}, x.options());
  multiply(product, floats(x), floats(weight), bias.defined() ? floats(bias) : nullptr, floats(y));
  if (fused) return y;
  a = y;
  if (activation != Activation::kGated) return activate(a, activation);
  y = torch::empty({m, n / 2}, x.options());
  gated_forward(floats(a), floats(y), m, n / 2);
  return y;
}

// Autograd wants every argument defined: no bias travels as an empty one.
Tensor absent_if_empty(const Tensor& bias) { return bias.numel() > 0 ? bias : Tensor(); }

struct DenseFunction : torch::autograd::Function<DenseFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight,
                        const Tensor& bias, int64_t activation) {
    Tensor a;
    const auto y =
        compute(x, weight, absent_if_empty(bias), static_cast<Activation>(activation), true, a);
    ctx->save_for_backward({x, weight, bias, a.defined() ? a : y});
    ctx->saved_data["activation"] = activation;
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const auto& x = saved[0];
    const auto& weight = saved[1];
    const auto bias = absent_if_empty(saved[2]);
    const auto activation = static_cast<Activation>(ctx->saved_data["activation"].toInt());
    if (torch::GradMode::is_enabled()) {
      const variable_list inputs(saved.begin(), saved.begin() + 3);
      const auto y = plain_dense(x, weight, bias, activation);
      return differentiable_gradients(*ctx, inputs, y, grads[0], 4);
    }
    const auto s = sizes_of(x, weight);
    variable_list result(4);
    std::optional<GradientSink> db;
    if (bias.defined() && ctx->needs_input_grad(2)) db.emplace(bias);
    const auto da =
        activation_gradient(activation, grads[0].contiguous(), saved[3], s.m, grads[0].size(1),
                            db ? floats(db->into) : nullptr, db && db->direct);
    if (db) result[2] = db->result();
    if (ctx->needs_input_grad(1)) {
      const GradientSink dw(weight);
      multiply({s.n, s.k, s.m, true, false, dw.direct}, floats(da), floats(x), nullptr,
               floats(dw.into));
      result[1] = dw.result();
    }
    if (ctx->needs_input_grad(0)) {
      result[0] = torch::empty({s.m, s.k}, x.options());
      multiply({s.m, s.k, s.n}, floats(da), floats(weight), nullptr, floats(result[0]));
    }
    return result;
  }
};

}  // namespace

bool has_fast_dense(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return is_plain(x) && is_plain(weight) && (!bias.defined() || is_plain(bias)) && x.numel() > 0;
}

Tensor fast_dense(const Tensor& x, const Tensor& weight, const Tensor& bias,
                  Activation activation) {
  const auto rows = x.contiguous(), w = weight.contiguous();
  const auto b = bias.defined() ? bias.contiguous() : bias;
  const bool differentiable =
      torch::GradMode::is_enabled() &&
      (x.requires_grad() || weight.requires_grad() || (bias.defined() && bias.requires_grad()));
  if (differentiable) {
    return DenseFunction::apply(rows, w, b.defined() ? b : torch::empty({0}, w.options()),
                                static_cast<int64_t>(activation));
  }
  Tensor a;
  return compute(rows, w, b, activation, false, a);
}

}  // namespace elbo
