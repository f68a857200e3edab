#pragma once

#include <torch/csrc/autograd/edge.h>
#include <torch/csrc/autograd/function.h>

#include <memory>
#include <type_traits>

namespace elbo {

/// What holds a node of autograd's graph: a shared pointer, in libtorch 2.15 an intrusive one.
using GraphNode = decltype(torch::autograd::Edge::function);

/// A new node of class N, held likewise.
template <class N>
auto make_graph_node() {
  if constexpr (std::is_same_v<GraphNode, std::shared_ptr<torch::autograd::Node>>) {
    // libtorch's own deleter takes a long chain apart without recursion. Where nodes are held
    // otherwise it is not declared, so that it must be found by the type of its argument.
    return std::shared_ptr<N>(new N, [](auto* node) { deleteNode(node); });
  } else {
    return c10::make_intrusive<N>();
  }
}

}  // namespace elbo
