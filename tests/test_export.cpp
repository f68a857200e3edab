#include <doctest/doctest.h>

#include <set>

#include "elbo/data/builtin.h"
#include "elbo/data/open.h"
#include "elbo/model/codes.h"
#include "export_cases.h"

// What is recorded, and what is refused. Whether another runtime computes the same is for
// scripts/check_onnx.sh.

namespace elbo {
namespace {

using torch::Tensor;

OnnxGraph recorded(const Computation& compute, const Shape& shape = {4}) {
  return record("graph", {{"x", torch::rand(with_rows(kManyRows, shape))}}, compute);
}

int64_t count_nodes(const OnnxGraph& graph, const std::string& op) {
  return std::count_if(graph.nodes.begin(), graph.nodes.end(),
                       [&](const OnnxNode& node) { return node.op == op; });
}

std::string export_refusal(const Computation& compute) {
  try {
    recorded(compute);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

/// Every name is made once, before it is read; every output is made.
void check_order(const OnnxGraph& graph) {
  std::set<std::string> known{""};
  for (const auto& input : graph.inputs) CHECK(known.insert(input.name).second);
  for (const auto& [name, value] : graph.constants) CHECK(known.insert(name).second);
  for (const auto& node : graph.nodes) {
    for (const auto& input : node.inputs) CHECK_MESSAGE(known.count(input), node.op, " ", input);
    for (const auto& output : node.outputs) CHECK(known.insert(output).second);
  }
  for (const auto& output : graph.outputs) CHECK(known.count(output.name));
}

std::shared_ptr<Model> digits_model(const std::string& name, Schemas& schemas) {
  DataOptions options;
  options.rows = 16;
  schemas = open_data("builtin:digits", options)->schemas();
  auto spec = model_spec(name);
  spec.erase("train");
  RandomScope scope(1);
  auto model = build(resolve(spec, schemas), schemas);
  model->eval();
  return model;
}

}  // namespace

TEST_CASE("sizes that follow the rows are told from sizes that do not") {
  const auto graph = recorded([](const std::vector<Tensor>& in, int64_t rows) {
    return NamedTensors{{"twice", in[0].repeat({2, 1})},
                        {"pairs", in[0].reshape({rows * 2, 2})},
                        {"sums", in[0].sum(1)}};
  });
  check_order(graph);
  REQUIRE(graph.outputs.size() == 3);
  CHECK(graph.inputs[0].sizes == std::vector<std::string>{"rows", "4"});
  CHECK(graph.outputs[0].sizes == std::vector<std::string>{"rows_x2", "4"});
  CHECK(graph.outputs[1].sizes == std::vector<std::string>{"rows_x2", "2"});
  CHECK(graph.outputs[2].sizes == std::vector<std::string>{"rows"});
}

TEST_CASE("what no input reaches is computed when it is recorded, and once") {
  const auto weight = torch::rand({4, 4});
  const auto graph = recorded([&](const std::vector<Tensor>& in, int64_t) {
    auto y = in[0];
    for (int64_t i = 0; i < 3; ++i) y = y.matmul((weight * 2).tril());
    return NamedTensors{{"y", y}};
  });
  check_order(graph);
  CHECK(count_nodes(graph, "MatMul") == 3);
  CHECK(count_nodes(graph, "Mul") == 0);
  CHECK(count_nodes(graph, "Trilu") == 0);
  int64_t matrices = 0;
  for (const auto& [name, value] : graph.constants) matrices += value.dim() == 2;
  CHECK(matrices == 1);
}

TEST_CASE("draws become inputs, numbered as they are made") {
  const auto graph = recorded([](const std::vector<Tensor>& in, int64_t) {
    const auto loc = in[0] + torch::randn_like(in[0]);
    return NamedTensors{{"y", loc * torch::rand({3, 1, 1})}};
  });
  check_order(graph);
  REQUIRE(graph.inputs.size() == 3);
  CHECK(graph.inputs[1].name == "normal_0");
  CHECK(graph.inputs[2].name == "uniform_1");
  CHECK(graph.inputs[1].sizes == std::vector<std::string>{"rows", "4"});
  CHECK(graph.inputs[2].sizes == std::vector<std::string>{"3", "1", "1"});
}

TEST_CASE("what a record would get wrong is refused, by the name of the operation") {
  CHECK(export_refusal([](const std::vector<Tensor>& in, int64_t) {
          return NamedTensors{{"y", in[0].lgamma()}};
        }).find("aten::lgamma") != std::string::npos);
  // A write into a part of a larger tensor is invisible where that tensor is read.
  CHECK(export_refusal([](const std::vector<Tensor>& in, int64_t) {
          auto y = torch::zeros_like(in[0]);
          y.select(1, 0).copy_(in[0].select(1, 1));
          return NamedTensors{{"y", y}};
        }).find("aten::copy_") != std::string::npos);
  // So is a kernel that writes through a pointer.
  CHECK(export_refusal([](const std::vector<Tensor>& in, int64_t) {
          auto y = torch::empty_like(in[0]);
          y.data_ptr<float>()[0] = in[0].data_ptr<float>()[0];
          return NamedTensors{{"y", y + 1}};
        }).find("memory is written") != std::string::npos);
  CHECK(export_refusal([](const std::vector<Tensor>& in, int64_t rows) {
          return NamedTensors{{"y", in[0].repeat({rows, 1})}};
        }).find("not linear") != std::string::npos);
}

TEST_CASE(
    "the three parts of a model are exported with their names, and the model stays trainable") {
  Schemas schemas;
  const auto model = digits_model("vae", schemas);
  std::vector<std::string> names;
  for (const auto& part : model_parts(model, schemas)) {
    const auto exported = export_part(*model, part);
    CAPTURE(part.name);
    CHECK(exported.note.empty());
    check_order(exported.graph);
    for (const auto& output : exported.graph.outputs)
      names.push_back(part.name + "." + output.name);
    const auto file = onnx_file(exported.graph);
    CHECK(file.size() > 1000);
  }
  CHECK(names == std::vector<std::string>{"encoder.z_mean", "encoder.z_log_variance",
                                          "decoder.mean", "decoder.deviation", "decoder.logits",
                                          "sampler.x"});
  for (const auto& p : model->parameters()) CHECK(p.requires_grad());
}

TEST_CASE("what cannot be exported is said, and the rest is there") {
  Schemas schemas;
  const auto model = digits_model("hamiltonian_vae", schemas);
  int64_t refused = 0;
  for (const auto& part : model_parts(model, schemas)) {
    try {
      check_order(export_part(*model, part).graph);
    } catch (const Error& error) {
      ++refused;
      CHECK(part.name == "encoder");
      CHECK(std::string(error.what()).find("takes gradients") != std::string::npos);
    }
  }
  CHECK(refused == 1);
}

TEST_CASE("numbers of a file are written as onnx.proto3 tells") {
  OnnxGraph graph;
  graph.name = "g";
  graph.nodes.push_back({"Add", {"x", "one"}, {"y"}, {}});
  graph.constants.emplace_back("one", torch::ones({1}));
  graph.inputs.push_back({"x", torch::kFloat32, {"rows", "1"}});
  graph.outputs.push_back({"y", torch::kFloat32, {"rows", "1"}});
  const auto file = onnx_file(graph);
  // ir_version (1) = 8; producer_name (2); opset_import (8) {version (2) = 17} at the end.
  CHECK(file.substr(0, 2) == std::string("\x08\x08"));
  CHECK(file.substr(2, 6) == std::string("\x12\x04"
                                         "elbo"));
  CHECK(file.substr(file.size() - 4) == std::string("\x42\x02\x10\x11"));
  // node (1) {input (1) x, input one, output (2) y, name (3) y, op_type (4) Add}
  CHECK(file.find(std::string("\x0a\x01x\x0a\x03one\x12\x01y\x1a\x01y\x22\x03"
                              "Add")) != std::string::npos);
  // raw_data (9): the float 1
  CHECK(file.find(std::string("\x4a\x04\x00\x00\x80\x3f", 6)) != std::string::npos);
}

}  // namespace elbo
