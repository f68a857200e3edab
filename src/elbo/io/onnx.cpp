#include "elbo/io/onnx.h"

#include <algorithm>

#include "elbo/core/error.h"
#include "elbo/io/protobuf.h"

namespace elbo {
namespace {

using protobuf::number, protobuf::real, protobuf::text, protobuf::varint;

// Fields and numbers are those of onnx.proto3.
constexpr int64_t kFormat = 8;

std::string whole(int field, int64_t value) { return number(field, static_cast<uint64_t>(value)); }

std::string packed(int field, const std::vector<int64_t>& values) {
  std::string bytes;
  for (int64_t value : values) bytes += varint(static_cast<uint64_t>(value));
  return text(field, bytes);
}

std::string tensor_message(const Tensor& value, const std::string& name) {
  const auto t = value.detach().to(torch::kCPU).contiguous();
  std::string message = packed(1, t.sizes().vec()) + whole(2, onnx_type(t.scalar_type()));
  if (!name.empty()) message += text(8, name);
  return message + text(9, {static_cast<const char*>(t.data_ptr()), t.nbytes()});
}

std::string attribute_message(const std::string& name, const OnnxAttribute& value) {
  // Their place in the variant: int, float, string, ints, floats, tensor.
  static constexpr int64_t kKinds[] = {2, 1, 3, 7, 6, 4};
  std::string message = text(1, name);
  if (const auto* one = std::get_if<int64_t>(&value)) {
    message += whole(3, *one);
  } else if (const auto* share = std::get_if<float>(&value)) {
    message += real(2, *share);
  } else if (const auto* words = std::get_if<std::string>(&value)) {
    message += text(4, *words);
  } else if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) {
    for (int64_t item : *list) message += whole(8, item);
  } else if (const auto* reals = std::get_if<std::vector<float>>(&value)) {
    for (float item : *reals) message += real(7, item);
  } else {
    message += text(5, tensor_message(std::get<Tensor>(value), ""));
  }
  return message + whole(20, kKinds[value.index()]);
}

std::string node_message(const OnnxNode& node) {
  std::string message;
  for (const auto& input : node.inputs) message += text(1, input);
  for (const auto& output : node.outputs) message += text(2, output);
  message += text(3, node.outputs.at(0)) + text(4, node.op);
  for (const auto& [name, value] : node.attributes) {
    message += text(5, attribute_message(name, value));
  }
  return message;
}

std::string value_message(const OnnxValue& value) {
  std::string shape;
  for (const auto& size : value.sizes) {
    const bool fixed =
        std::all_of(size.begin(), size.end(), [](char c) { return '0' <= c && c <= '9'; });
    shape += text(1, fixed ? whole(1, std::stoll(size)) : text(2, size));
  }
  const auto tensor = whole(1, onnx_type(value.type)) + text(2, shape);
  return text(1, value.name) + text(2, text(1, tensor));
}

std::string graph_message(const OnnxGraph& graph) {
  std::string message;
  for (const auto& node : graph.nodes) message += text(1, node_message(node));
  message += text(2, graph.name);
  for (const auto& [name, value] : graph.constants) message += text(5, tensor_message(value, name));
  if (!graph.about.empty()) message += text(10, graph.about);
  for (const auto& input : graph.inputs) message += text(11, value_message(input));
  for (const auto& output : graph.outputs) message += text(12, value_message(output));
  return message;
}

}  // namespace

int64_t onnx_type(torch::ScalarType type) {
  switch (type) {
    case torch::kFloat32:
      return 1;
    case torch::kUInt8:
      return 2;
    case torch::kInt32:
      return 6;
    case torch::kInt64:
      return 7;
    case torch::kBool:
      return 9;
    default:
      fail("[onnx] type: found ", torch::toString(type),
           ", written are float, int64, int32, uint8 and bool");
  }
}

std::string onnx_file(const OnnxGraph& graph) {
  auto file = whole(1, kFormat) + text(2, "elbo") + text(7, graph_message(graph)) +
              text(8, whole(2, kOnnxOperators));
  for (const auto& [key, value] : graph.facts) file += text(14, text(1, key) + text(2, value));
  constexpr size_t kMost = (size_t{1} << 31) - 1;
  check(file.size() <= kMost, "[onnx] ", graph.name, ": ", file.size(),
        " bytes, a file of this format holds less than 2 GiB");
  return file;
}

}  // namespace elbo
