#include <algorithm>

#include "elbo/core/helper.h"
#include "elbo/core/light.h"
#include "elbo/core/profile.h"
#include "elbo/kernels/choice.h"
#include "elbo/kernels/pointwise.h"
#include "elbo/nn/bf16.h"
#include "elbo/nn/dense_chain.h"
#include "elbo/nn/product.h"

namespace elbo {
namespace {

bool is_plain(const Tensor& t) { return is_cpu_float(t) && t.layout() == torch::kStrided; }

struct Sizes {
  int64_t m, n, k;  // rows, columns of the weight's output, inputs
};

Sizes sizes_of(const Tensor& x, const Tensor& weight) {
  return {x.size(0), weight.size(0), x.size(1)};
}

// Fused where possible; `a` receives what the derivative needs where that is not the output.
Tensor compute_dense(const Tensor& x, const Tensor& weight, const Tensor& bias,
                     Activation activation, bool differentiable, Tensor& a) {
  const auto [m, n, k] = sizes_of(x, weight);
  const bool fused = fuses(activation) && (derivative_from_output(activation) || !differentiable);
  auto product = Product{m, n, k, false, true, false, bias.defined()};
  if (fused) product.activation = activation;
  auto y = empty_floats({m, n});
  const Timed timed("forward", floats(weight), work_of(product));
  multiply(product, floats(x), floats(weight), bias.defined() ? floats(bias) : nullptr, floats(y));
  if (fused) return y;
  a = y;
  if (activation != Activation::kGated) return activate(a, activation);
  y = empty_floats({m, n / 2});
  gated_forward(floats(a), floats(y), m, n / 2);
  return y;
}

/// Made: for each layer what it reads (the first: undefined) and what its derivative needs.
struct DenseNode : DenseChain {
  std::string name() const override { return "elbo::Dense"; }
  Gradients backward(const Gradients& grads) override {
    if (is_differentiated()) return by_operations(grads[0]);
    Gradients result(kept_inputs());
    auto grad = grads[0].contiguous();
    for (size_t layer = activations.size(); layer-- > 0;) grad = through(layer, grad, result);
    result[0] = grad;
    return result;
  }

 private:
  /// The gradient of what the layer reads, where it is asked for; those of its weights in `result`.
  Tensor through(size_t layer, const Tensor& grad, Gradients& result) const {
    const size_t at_weight = 2 * layer + 1, at_bias = at_weight + 1;
    const auto &x = layer == 0 ? input(0) : made(2 * layer), &weight = input(at_weight);
    const auto db = sink(at_bias, input(at_bias)), dw = sink(at_weight, weight);
    const auto s = sizes_of(x, weight);
    const auto da =
        activation_gradient(activations[layer], grad, made(2 * layer + 1), s.m, grad.size(1),
                            db ? floats(db->into) : nullptr, db && db->direct);
    if (db) result[at_bias] = db->result();
    if (dw) {
      result[at_weight] = dw->result();
      const Product product{s.n, s.k, s.m, true, false, dw->direct};
      const auto run = [product, da, x, into = dw->into, layer = floats(weight)] {
        const Timed timed("weight gradient", layer, work_of(product));
        multiply(product, floats(da), floats(x), nullptr, floats(into));
      };
      // Only the update waits for it.
      dw->direct && !is_parallel(product) ? aside(run, floats(dw->into)) : run();
    }
    if (layer == 0 && !wanted(0)) return Tensor();
    auto dx = empty_floats({s.m, s.k});
    const Product product{s.m, s.k, s.n};
    const Timed timed("input gradient", floats(weight), work_of(product));
    multiply(product, floats(da), floats(weight), nullptr, floats(dx));
    return dx;
  }
};

// A node marks its parameters by bits.
constexpr size_t kMostLayers = 15;

}  // namespace

bool has_fast_dense(const Tensor& x, const std::vector<DenseLayer>& layers) {
  return is_plain(x) && x.numel() > 0 && !layers.empty() && layers.size() <= kMostLayers &&
         std::all_of(layers.begin(), layers.end(), [](const DenseLayer& l) {
           return is_plain(l.weight) && (!l.bias.defined() || is_plain(l.bias));
         });
}

Gradients DenseChain::by_operations(const Tensor& grad) const {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < kept_inputs(); ++i) inputs.push_back(input(i));
  auto y = inputs[0];
  for (size_t i = 0; i < activations.size(); ++i) {
    y = plain_dense(y, inputs[2 * i + 1], inputs[2 * i + 2], activations[i]);
  }
  return differentiable_gradients(*this, inputs, y, grad);
}

Tensor fast_dense(const Tensor& x, const std::vector<DenseLayer>& layers) {
  if (const auto* weights = Bf16Products::current()) return bf16_dense(x, layers, *weights);
  std::vector<Tensor> inputs;
  inputs.reserve(2 * layers.size() + 1);
  inputs.push_back(x.contiguous());
  for (const auto& l : layers) {
    inputs.push_back(l.weight.contiguous());
    inputs.push_back(l.bias.defined() ? l.bias.contiguous() : l.bias);
  }
  const auto node = node_of<DenseNode>(inputs);
  if (node) {
    node->activations.reserve(layers.size());
    node->keep_input(inputs[0]);
    for (size_t i = 1; i < inputs.size(); ++i) node->keep_parameter(inputs[i]);
  }
  auto y = inputs[0];
  for (size_t i = 0; i < layers.size(); ++i) {
    const auto activation = layers[i].activation;
    Tensor a;
    const auto read = y;
    y = compute_dense(read, inputs[2 * i + 1], inputs[2 * i + 2], activation, node != nullptr, a);
    if (!node) continue;
    node->activations.push_back(activation);
    node->keep(i == 0 ? Tensor() : read);
    a.defined() ? node->keep(a) : node->keep_output(y);
  }
  return from_node(y, node);
}

}  // namespace elbo
