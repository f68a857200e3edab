#include "elbo/nn/gradients.h"

#include <torch/autograd.h>
#include <torch/csrc/autograd/graph_task.h>

#include "elbo/core/error.h"

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

DirectGradients::DirectGradients(bool on) : before_(direct_gradients) {
  direct_gradients = before_ || on;
}
DirectGradients::~DirectGradients() { direct_gradients = before_; }

GradientSink::GradientSink(const Tensor& parameter) : direct(takes_direct(parameter)) {
  into = direct ? parameter.grad() : torch::empty_like(parameter, torch::MemoryFormat::Contiguous);
}

void WeightNode::keep_parameter(const Tensor& parameter) {
  const size_t input = kept_inputs();
  keep_input(parameter);
  if (!parameter.defined() || !parameter.requires_grad() || !takes_direct(parameter)) return;
  set_next_edge(input, {});
  left_out_ |= 1U << input;
}

std::optional<GradientSink> WeightNode::sink(size_t input, const Tensor& parameter) const {
  if (wanted(input)) return GradientSink(parameter);
  // torch::autograd::grad asks for other gradients alone.
  const auto* asked = torch::autograd::get_current_graph_task_exec_info();
  if ((left_out_ >> input & 1U) == 0 || (asked && !asked->empty())) return std::nullopt;
  check(direct_gradients,
        "[gradients] a forward pass under DirectGradients needs it in its backward pass, too");
  return GradientSink(parameter);
}

Gradients differentiable_gradients(const Node& node, const std::vector<Tensor>& inputs,
                                   const Tensor& y, const Tensor& grad) {
  Gradients wanted;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (node.wanted(i)) wanted.push_back(inputs[i]);
  }
  const auto found = torch::autograd::grad({y}, wanted, {grad}, true, true, true);
  Gradients result(inputs.size());
  size_t next = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (node.wanted(i)) result[i] = found[next++];
  }
  return result;
}

}  // namespace elbo
