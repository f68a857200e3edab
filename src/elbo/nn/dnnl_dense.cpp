#include <algorithm>

#include "elbo/core/node.h"
#include "elbo/nn/dense.h"
#include "elbo/nn/pointwise.h"
#include "elbo/nn/product.h"

namespace elbo {
namespace {

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

struct DenseNode : WeightNode {
  Activation activation;

  std::string name() const override { return "elbo::Dense"; }
  Gradients backward(const Gradients& grads) override {
    const auto x = input(0), weight = input(1), bias = input(2);
    if (is_differentiated()) {
      const auto y = plain_dense(x, weight, bias, activation);
      return differentiable_gradients(*this, {x, weight, bias}, y, grads[0]);
    }
    const auto s = sizes_of(x, weight);
    Gradients result(3);
    const auto db = sink(2, bias), dw = sink(1, weight);
    const auto da =
        activation_gradient(activation, grads[0].contiguous(), made(0), s.m, grads[0].size(1),
                            db ? floats(db->into) : nullptr, db && db->direct);
    if (db) result[2] = db->result();
    if (dw) {
      multiply({s.n, s.k, s.m, true, false, dw->direct}, floats(da), floats(x), nullptr,
               floats(dw->into));
      result[1] = dw->result();
    }
    if (wanted(0)) {
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
  const auto node = node_of<DenseNode>(rows, w, b);
  Tensor a;
  const auto y = compute(rows, w, b, activation, node != nullptr, a);
  if (node) {
    node->activation = activation;
    node->keep_input(rows);
    node->keep_parameter(w);
    node->keep_parameter(b);
    a.defined() ? node->keep(a) : node->keep_output(y);
  }
  return from_node(y, node);
}

}  // namespace elbo
