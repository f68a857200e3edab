#pragma once

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

/// What stands beside the inputs of a node.
using OnnxAttribute =
    std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>, Tensor>;
using OnnxAttributes = std::map<std::string, OnnxAttribute>;

struct OnnxNode {
  std::string op;
  std::vector<std::string> inputs, outputs;  // an empty name: an input that is left out
  OnnxAttributes attributes;
};

/// What goes into a graph or comes out of it. A size is a number, or a name where it is free.
struct OnnxValue {
  std::string name;
  torch::ScalarType type = torch::kFloat32;
  std::vector<std::string> sizes;
};

/// A computation as other programs run it (https://onnx.ai, operator set 17). Nodes stand in the
/// order in which they can be computed.
struct OnnxGraph {
  std::string name, about;
  std::vector<OnnxNode> nodes;
  std::vector<std::pair<std::string, Tensor>> constants;
  std::vector<OnnxValue> inputs, outputs;
  std::vector<std::pair<std::string, std::string>> facts;  // what else a reader may want to know
};

constexpr int64_t kOnnxOperators = 17;

/// A type's number in the format. Raises an Error where graphs have no such values.
int64_t onnx_type(torch::ScalarType type);

/// The bytes of a .onnx file. Tensors are float, int64, int32, uint8 or bool.
std::string onnx_file(const OnnxGraph& graph);

}  // namespace elbo
