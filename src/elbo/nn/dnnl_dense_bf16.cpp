#include "elbo/core/helper.h"
#include "elbo/core/light.h"
#include "elbo/core/profile.h"
#include "elbo/kernels/bf16.h"
#include "elbo/kernels/pointwise.h"
#include "elbo/nn/bf16.h"
#include "elbo/nn/dense_chain.h"
#include "elbo/nn/product.h"

namespace elbo {
namespace {

/// What the backward pass of one layer needs.
struct Bf16Layer {
  Tensor read;        // bfloat16
  Tensor activated;   // what the derivative needs: the output, or float32 before the activation
  Bf16Weight weight;  // as it was
};

/// The output of a layer: float32, or bfloat16 where another layer reads it and its derivative
/// needs nothing else.
Tensor compute_bf16(Bf16Layer& layer, const Tensor& weight, const Tensor& bias,
                    Activation activation, bool inner, bool differentiable) {
  const int64_t m = layer.read.size(0), n = weight.size(0), k = weight.size(1);
  const bool fused = fuses(activation) && (derivative_from_output(activation) || !differentiable);
  Product product{m, n, k, false, true, false, bias.defined()};
  product.bf16 = true;
  product.bf16_result = inner && fused;
  if (fused) product.activation = activation;
  auto y = product.bf16_result ? empty_bf16({m, n}) : empty_floats({m, n});
  {
    const Timed timed("forward", floats(weight), work_of(product));
    multiply(product, halves_of_floats(layer.read), layer.weight.data,
             bias.defined() ? floats(bias) : nullptr, y.data_ptr());
  }
  layer.activated = y;
  if (fused) return y;
  if (activation != Activation::kGated) return activate(y, activation);
  auto gated = empty_floats({m, n / 2});
  gated_forward(floats(y), floats(gated), m, n / 2);
  return gated;
}

struct Bf16DenseNode : DenseChain {
  std::vector<Bf16Layer> layers;

  std::string name() const override { return "elbo::Bf16Dense"; }
  Gradients backward(const Gradients& grads) override {
    if (is_differentiated()) return by_operations(grads[0]);
    Gradients result(kept_inputs());
    auto grad = grads[0].contiguous();
    for (size_t layer = layers.size(); layer-- > 0;) grad = through(layer, grad, result);
    result[0] = grad;
    return result;
  }

 private:
  Tensor through(size_t number, const Tensor& grad, Gradients& result) const {
    const size_t at_weight = 2 * number + 1, at_bias = at_weight + 1;
    const auto& layer = layers[number];
    const auto& weight = input(at_weight);
    const auto db = sink(at_bias, input(at_bias)), dw = sink(at_weight, weight);
    const int64_t m = layer.read.size(0), n = weight.size(0), k = weight.size(1);
    const auto da =
        bf16_activation_gradient(activations[number], grad, layer.activated, m, grad.size(1),
                                 db ? floats(db->into) : nullptr, db && db->direct);
    if (db) result[at_bias] = db->result();
    if (dw) {
      result[at_weight] = dw->result();
      Product product{n, k, m, true, false, dw->direct};
      product.bf16 = true;
      const auto run = [product, da, x = layer.read, into = dw->into, of = floats(weight)] {
        const Timed timed("weight gradient", of, work_of(product));
        multiply(product, halves_of_floats(da), halves_of_floats(x), nullptr, floats(into));
      };
      dw->direct && !is_parallel(product) ? aside(run, floats(dw->into)) : run();
    }
    if (number == 0 && !wanted(0)) return Tensor();
    auto dx = empty_floats({m, k});
    Product product{m, k, n};
    product.bf16 = true;
    const Timed timed("input gradient", floats(weight), work_of(product));
    multiply(product, halves_of_floats(da), layer.weight.data, nullptr, floats(dx));
    return dx;
  }
};

}  // namespace

Tensor bf16_dense(const Tensor& x, const std::vector<DenseLayer>& layers,
                  const Bf16Weights& weights) {
  std::vector<Tensor> inputs{x.contiguous()};
  for (const auto& l : layers) {
    inputs.push_back(l.weight.contiguous());
    inputs.push_back(l.bias.defined() ? l.bias.contiguous() : l.bias);
  }
  const auto node = node_of<Bf16DenseNode>(inputs);
  if (node) {
    node->keep_input(inputs[0]);
    for (size_t i = 1; i < inputs.size(); ++i) node->keep_parameter(inputs[i]);
  }
  auto y = inputs[0];
  for (size_t i = 0; i < layers.size(); ++i) {
    const auto &weight = inputs[2 * i + 1], &bias = inputs[2 * i + 2];
    Bf16Layer layer{y.scalar_type() == torch::kBFloat16 ? y : as_bf16(y), Tensor(),
                    Bf16Weight(weights, weight)};
    y = compute_bf16(layer, weight, bias, layers[i].activation, i + 1 < layers.size(),
                     node != nullptr);
    if (!node) continue;
    // The node must not hold its own output, whose history it is.
    if (layer.activated.is_same(y) && i + 1 == layers.size()) layer.activated = y.tensor_data();
    node->activations.push_back(layers[i].activation);
    node->layers.push_back(std::move(layer));
  }
  return from_node(y, node);
}

}  // namespace elbo
