#include "elbo/core/backward.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/version.h>

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "elbo/core/error.h"
#include "elbo/core/graph_node.h"
#include "elbo/core/light.h"
#include "elbo/core/profile.h"

namespace elbo {
namespace {

using torch::autograd::Edge;
using Gradients = torch::autograd::variable_list;

Gradients run(torch::autograd::Node& node, Gradients inputs) {
#if TORCH_VERSION_MAJOR >= 2
  for (const auto& hook : node.tensor_pre_hooks()) inputs = (*hook)(inputs);
  for (const auto& [output, hook] : node.retains_grad_hooks()) inputs = (*hook)(inputs);
#endif
  for (const auto& hook : node.pre_hooks()) inputs = (*hook)(inputs);
  if (node.post_hooks().empty()) return node(std::move(inputs));
  auto outputs = node(Gradients(inputs));
  for (const auto& hook : node.post_hooks()) outputs = (*hook)(outputs, inputs);
  return outputs;
}

/// "backward of Dense" of elbo::Dense, "backward of Add" of AddBackward0.
std::string shown_name(std::string name) {
  if (const auto scope = name.rfind(':'); scope != std::string::npos) name.erase(0, scope + 1);
  if (const auto end = name.find("Backward"); end != std::string::npos) name.erase(end);
  return "backward of " + name;
}

Gradients timed_run(torch::autograd::Node& node, Gradients inputs) {
  auto* profile = Profile::current();
  if (!profile) return run(node, std::move(inputs));
  const Timed timed(profile->kept(shown_name(node.name())));
  return run(node, std::move(inputs));
}

/// Nodes that have received gradients and have not passed them on.
class Frontier {
 public:
  Frontier() { waiting_.reserve(8); }
  bool empty() const { return waiting_.empty(); }

  /// Gradients of one output of a node add up.
  void receive(const Edge& edge, Tensor gradient) {
    const bool leaf = edge.function->num_outputs() == 0;
    auto& sum = leaf ? leaves_[edge.function] : inputs_of(edge.function)[edge.input_nr];
    sum = sum.defined() ? sum + gradient : std::move(gradient);
  }

  /// A node whose gradients are complete: what feeds a node ranks above it, so the highest is.
  std::pair<GraphNode, Gradients> take() {
    const auto highest =
        std::max_element(waiting_.begin(), waiting_.end(),
                         [](const Waiting& a, const Waiting& b) { return a.rank < b.rank; });
    auto node = std::move(highest->node);
    auto inputs = std::move(highest->inputs);
    if (highest != waiting_.end() - 1) *highest = std::move(waiting_.back());
    waiting_.pop_back();
    return {std::move(node), std::move(inputs)};
  }

  /// Nothing waits for a leaf's gradient, and its hooks see the whole of it.
  void run_leaves() {
    for (auto& [node, sum] : leaves_) run(*node, {std::move(sum)});
  }

 private:
  struct Waiting {
    GraphNode node;
    uint64_t rank;
    Gradients inputs;
  };

  Gradients& inputs_of(const GraphNode& node) {
    for (auto& waiting : waiting_) {
      if (waiting.node == node) return waiting.inputs;
    }
    waiting_.push_back({node, node->topological_nr(), Gradients(node->num_inputs())});
    return waiting_.back().inputs;
  }

  std::vector<Waiting> waiting_;  // few: those between the loss and the leaves
  std::unordered_map<GraphNode, Tensor> leaves_;
};

Tensor one_like(const Tensor& loss) {
  if (!is_cpu_float(loss) || loss.dim() != 0) return torch::ones_like(loss);
  auto one = empty_floats({});
  *one.data_ptr<float>() = 1;
  return one;
}

/// What autograd lets a backward return: the shape before broadcasting, another floating type.
Tensor as_received(Tensor gradient, const torch::autograd::InputMetadata& output) {
  if (!output.is_same_shape(gradient)) {
    check(output.is_expandable_to_shape(gradient), "[backward] a gradient of shape ",
          to_string(gradient.sizes().vec()), " does not fit the tensor it belongs to");
    gradient = output.reduce_grad(gradient);
  }
  const auto type = c10::typeMetaToScalarType(output.dtype());
  return gradient.scalar_type() == type ? gradient : gradient.to(type);
}

}  // namespace

void backward(const Tensor& loss) {
  if (!loss.device().is_cpu()) return loss.backward();
  check(loss.requires_grad() && loss.numel() == 1,
        "[backward] expected a loss of one number that depends on parameters");
  torch::NoGradGuard no_gradient;
  Frontier frontier;
  frontier.receive(torch::autograd::impl::gradient_edge(loss), one_like(loss));
  while (!frontier.empty()) {
    auto [node, inputs] = frontier.take();
    auto gradients = timed_run(*node, std::move(inputs));
    node->release_variables();
    const size_t edges = std::min<size_t>(gradients.size(), node->num_outputs());
    for (size_t i = 0; i < edges; ++i) {
      const auto& edge = node->next_edge(i);
      if (!edge.is_valid() || !gradients[i].defined()) continue;
      const auto& output = edge.function->input_metadata(edge.input_nr);
      frontier.receive(edge, as_received(std::move(gradients[i]), output));
    }
  }
  frontier.run_leaves();
}

}  // namespace elbo
