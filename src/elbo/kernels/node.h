#pragma once

#include <c10/util/SmallVector.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "elbo/core/error.h"
#include "elbo/core/graph_node.h"
#include "elbo/core/tensor.h"

namespace elbo {

using Gradients = torch::autograd::variable_list;

/// The backward of a fused operation. torch::autograd::Function does the same with dictionaries and
/// costs microseconds where a small net's whole layer costs five.
class Node : public torch::autograd::Node {
 public:
  /// Gradients of the inputs, in their order; an output that nobody used has none.
  virtual Gradients backward(const Gradients& outputs) = 0;

  /// Inputs and what the operation made for backward, which frees both.
  void keep_input(const Tensor& input) {
    inputs_.push_back({input, input.defined() ? input._version() : 0});
  }
  void keep(const Tensor& made) { made_.push_back(made); }
  /// The output by an alias: a node that held it would hold itself.
  void keep_output(const Tensor& y) { made_.push_back(y.tensor_data()); }

  /// In backward: whether that input's gradient is asked for.
  bool wanted(size_t input) const { return task_should_compute_output(input); }

 protected:
  const Tensor& input(size_t i) const {
    if (i >= inputs_.size()) {
      fail("[backward] ", name(), " has passed its gradients on and freed what it needs for them");
    }
    const auto& [tensor, version] = inputs_[i];
    if (tensor.defined() && tensor._version() != version) {
      fail("[backward] an input of ", name(), " has been changed in place since");
    }
    return tensor;
  }
  const Tensor& made(size_t i) const { return made_[i]; }
  /// The operation is itself to be differentiated: backward must consist of ATen's operations.
  static bool is_differentiated() { return torch::GradMode::is_enabled(); }
  size_t kept_inputs() const { return inputs_.size(); }

 private:
  Gradients apply(Gradients&& outputs) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const bool used = std::any_of(outputs.begin(), outputs.end(),
                                  [](const Tensor& gradient) { return gradient.defined(); });
    return used ? backward(outputs) : Gradients(num_outputs());
  }
  void release_variables() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    inputs_.clear();
    made_.clear();
  }

  // As they are: no input holds the node, and a SavedVariable costs more than a small kernel.
  struct Input {
    Tensor tensor;
    int64_t version;
  };
  c10::SmallVector<Input, 5> inputs_;
  c10::SmallVector<Tensor, 4> made_;
};

/// A node behind these inputs; null where no gradient is asked for.
template <class N, class... Inputs>
decltype(make_graph_node<N>()) node_of(const Inputs&... inputs) {
  if (!torch::autograd::compute_requires_grad(inputs...)) return {};
  auto node = make_graph_node<N>();
  node->set_next_edges(torch::autograd::collect_next_edges(inputs...));
  return node;
}

/// y, which a kernel has filled, as the output of that node (null: a plain tensor).
inline Tensor from_node(Tensor y, const GraphNode& node) {
  if (node) torch::autograd::set_history(y, node);
  return y;
}

}  // namespace elbo
