#include "elbo/nn/gradients.h"

#include <torch/autograd.h>

namespace elbo {
namespace {

// The CPU part of a backward pass runs in the thread that called it.
thread_local bool direct_gradients = false;

bool takes_direct(const Tensor& parameter) {
  if (!direct_gradients || !parameter.is_leaf()) return false;
  const auto& grad = parameter.grad();
  return grad.defined() && grad.is_contiguous() && grad.sizes() == parameter.sizes() &&
         grad.scalar_type() == parameter.scalar_type() && grad.device() == parameter.device() &&
         !grad.requires_grad();
}

}  // namespace

DirectGradients::DirectGradients() : before_(direct_gradients) { direct_gradients = true; }
DirectGradients::~DirectGradients() { direct_gradients = before_; }

GradientSink::GradientSink(const Tensor& parameter) : direct(takes_direct(parameter)) {
  into = direct ? parameter.grad() : torch::empty_like(parameter, torch::MemoryFormat::Contiguous);
}

torch::autograd::variable_list differentiable_gradients(
    const torch::autograd::AutogradContext& ctx, const torch::autograd::variable_list& inputs,
    const Tensor& y, const Tensor& grad, size_t arguments) {
  torch::autograd::variable_list wanted;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (ctx.needs_input_grad(i)) wanted.push_back(inputs[i]);
  }
  const auto found = torch::autograd::grad({y}, wanted, {grad}, true, true, true);
  torch::autograd::variable_list result(arguments);
  size_t next = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (ctx.needs_input_grad(i)) result[i] = found[next++];
  }
  return result;
}

}  // namespace elbo
