#include "elbo/export/record.h"

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/ir.h>

#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include "elbo/core/error.h"
#include "elbo/core/random.h"
#include "elbo/export/translation.h"

namespace elbo {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Stack;
using torch::jit::Value;
using TracedPtr = std::shared_ptr<Traced>;

struct Record {
  std::shared_ptr<Graph> graph;
  std::vector<std::string> outputs;
};

Record record_once(const std::vector<RecordedInput>& inputs, int64_t rows,
                   const Computation& compute) {
  Stack examples;
  for (const auto& input : inputs) examples.emplace_back(input.example.narrow(0, 0, rows).clone());
  Record record;
  RandomScope scope(0);
  const auto run = [&](Stack stack) {
    std::vector<Tensor> tensors;
    for (const auto& value : stack) tensors.push_back(value.toTensor());
    Stack out;
    for (auto& [name, tensor] : compute(tensors, rows)) {
      record.outputs.push_back(name);
      out.emplace_back(tensor);
    }
    return out;
  };
  const auto no_name = [](const Tensor&) { return std::string(); };
  try {
    record.graph = torch::jit::tracer::trace(examples, run, no_name).first->graph;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    const std::string what = error.what();
    fail("[export] the computation cannot be recorded, as one that takes gradients: ",
         what.substr(0, what.find('\n')));
  }
  return record;
}

bool is_random(const Node& node) {
  static const std::unordered_set<std::string> names{
      "aten::rand",        "aten::randn",    "aten::rand_like",       "aten::randn_like",
      "aten::randint",     "aten::normal",   "aten::bernoulli",       "aten::multinomial",
      "aten::randperm",    "aten::poisson",  "aten::_standard_gamma", "aten::binomial",
      "aten::exponential", "aten::uniform",  "aten::randint_like",    "aten::_sample_dirichlet",
      "aten::random",      "aten::geometric"};
  return node.isNondeterministic() || names.count(node.kind().toQualString()) > 0;
}

/// Operations that change their first argument end in one underscore.
bool writes(const std::string& name) { return name.ends_with("_") && !name.ends_with("__"); }

/// What gives the memory of its first argument another shape, or may.
bool is_view(const Node& node) {
  static const std::unordered_set<std::string> names{
      "aten::view",      "aten::reshape",         "aten::select",    "aten::narrow",
      "aten::slice",     "aten::transpose",       "aten::permute",   "aten::t",
      "aten::expand",    "aten::unsqueeze",       "aten::squeeze",   "aten::flatten",
      "aten::chunk",     "aten::split",           "aten::unbind",    "aten::diagonal",
      "aten::detach",    "aten::alias",           "aten::movedim",   "aten::view_as",
      "aten::to",        "aten::contiguous",      "aten::expand_as", "prim::ListUnpack",
      "aten::unflatten", "aten::split_with_sizes"};
  return names.count(node.kind().toQualString()) > 0;
}

/// A record knows the new value of what was written to by its own name alone: nothing else may
/// stand in the same memory.
void check_writing(const Node& node) {
  const auto* target = node.inputs().at(0);
  bool shared = is_view(*target->node());
  for (const auto& use : target->uses()) shared = shared || is_view(*use.user);
  check(!shared, "[export] ", node.kind().toQualString(),
        ": a part of a larger tensor is written to");
}

/// Memory that something else writes, unless only its shape is asked for.
bool is_blank(const Node& node) {
  const std::string name = node.kind().toQualString();
  return name == "aten::empty" || name == "aten::empty_like";
}

/// Two records of one computation, read side by side.
class RecordReader {
 public:
  RecordReader(const std::string& name, const std::vector<RecordedInput>& inputs, const Record& few,
               const Record& many)
      : to_(name), inputs_(inputs), few_(few), many_(many) {}

  OnnxGraph read() {
    find_live();
    read_inputs();
    auto other = many_.graph->nodes().begin();
    for (const auto* node : few_.graph->nodes()) {
      check(other != many_.graph->nodes().end() && node->kind() == other->kind(), kWhere,
            "other operations are done for another number of rows: ", node->kind().toQualString());
      if (writes(node->kind().toQualString())) check_writing(*node);
      if (live_.count(node) > 0) read_node(*node, **other);
      if (is_random(*node)) ++to_.draw;
      ++other;
    }
    std::vector<std::pair<std::string, Traced*>> outputs;
    for (size_t i = 0; i < few_.outputs.size(); ++i) {
      outputs.emplace_back(few_.outputs[i], values_.at(few_.graph->outputs()[i]).get());
    }
    auto graph = to_.finish(outputs);
    check(graph.nodes.size() <= kMostNodes, kWhere,
          "one component is drawn after another: ", graph.nodes.size(),
          " operations, which other runtimes do not take; at most ", kMostNodes);
    return graph;
  }

 private:
  static constexpr char kWhere[] = "[export] ";
  static constexpr size_t kMostNodes = 10000;

  /// Nodes that an output depends on.
  void find_live() {
    std::vector<const Value*> waiting(few_.graph->outputs().begin(), few_.graph->outputs().end());
    while (!waiting.empty()) {
      const auto* node = waiting.back()->node();
      waiting.pop_back();
      if (!live_.insert(node).second) continue;
      waiting.insert(waiting.end(), node->inputs().begin(), node->inputs().end());
    }
  }

  void read_inputs() {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const auto& [name, example] = inputs_[i];
      auto value = std::make_shared<Traced>();
      value->measure(example.narrow(0, 0, kFewRows), example.narrow(0, 0, kManyRows));
      value->name = to_.input(name, value->type, value->shape);
      value->key = "input " + name;
      values_[few_.graph->inputs()[i]] = value;
    }
  }

  void read_node(const Node& node, const Node& other) {
    if (node.kind() == torch::jit::prim::Constant) return read_constant(node, other);
    std::vector<Traced*> inputs;
    std::string key = node.kind().toQualString();
    bool known = !is_random(node) && !is_blank(node);
    for (const auto* input : node.inputs()) {
      inputs.push_back(values_.at(input).get());
      known = known && inputs.back()->known;
      key += " " + inputs.back()->key;
    }
    if (is_random(node)) key += " draw " + std::to_string(to_.draw);
    auto& made = made_[key];
    if (made.empty()) {
      make_outputs(node, other, "v" + std::to_string(made_.size()), made);
      known ? evaluate(node, inputs, made) : translate(node, inputs, made);
    }
    for (size_t i = 0; i < made.size(); ++i) values_[node.outputs()[i]] = made[i];
  }

  void read_constant(const Node& node, const Node& other) {
    auto value = std::make_shared<Traced>();
    value->known = true;
    value->few = *torch::jit::toIValue(node.output());
    value->many = *torch::jit::toIValue(other.output());
    std::ostringstream key;
    key.precision(std::numeric_limits<double>::max_digits10);
    if (value->few.isTensor()) {
      const auto a = value->few.toTensor(), b = value->many.toTensor();
      value->measure(a, b);
      value->fixed = a.is_same(b) || (a.sizes().equals(b.sizes()) && a.equal(b));
      key << "t" << (a.numel() == 1 && value->fixed ? "" : std::to_string(tensors_++));
      if (a.numel() == 1) key << a.scalar_type() << a.dim() << ":" << a.item<double>();
    } else {
      value->fixed = value->few == value->many;
      key << value->few << "|" << value->many;
    }
    value->key = key.str();
    values_[node.output()] = value;
  }

  void make_outputs(const Node& node, const Node& other, const std::string& key,
                    std::vector<TracedPtr>& made) const {
    for (size_t i = 0; i < node.outputs().size(); ++i) {
      made.push_back(std::make_shared<Traced>());
      made[i]->key = key + "." + std::to_string(i);
      const auto a = node.outputs()[i]->type()->cast<c10::TensorType>();
      const auto b = other.outputs()[i]->type()->cast<c10::TensorType>();
      if (!a || !b || !a->scalarType() || !a->sizes().concrete_sizes()) continue;
      made[i]->type = *a->scalarType();
      const auto x = *a->sizes().concrete_sizes(), y = *b->sizes().concrete_sizes();
      for (size_t d = 0; d < x.size(); ++d) made[i]->shape.push_back(count_of(x[d], y.at(d)));
    }
  }

  static Stack run(const Node& node, Stack stack) {
    if (node.kind() == torch::jit::prim::ListConstruct) {
      const auto type = node.output()->type()->expect<c10::ListType>()->getElementType();
      c10::impl::GenericList list(type);
      for (auto& item : stack) list.push_back(std::move(item));
      return {list};
    }
    if (node.kind() == torch::jit::prim::ListUnpack) {
      const auto list = stack.at(0).toListRef();
      return Stack(list.begin(), list.end());
    }
    if (writes(node.kind().toQualString())) stack.at(0) = stack[0].toTensor().clone();
    node.getOperation()(stack);
    return stack;
  }

  /// No input reaches it: it is computed here and now.
  void evaluate(const Node& node, const std::vector<Traced*>& inputs,
                std::vector<TracedPtr>& made) const {
    Stack few, many;
    bool fixed = true;
    for (const auto* input : inputs) {
      few.push_back(input->few);
      many.push_back(input->many);
      fixed = fixed && input->fixed;
    }
    few = run(node, few);
    many = fixed ? few : run(node, many);
    for (size_t i = 0; i < made.size(); ++i) {
      made[i]->known = true;
      made[i]->fixed = fixed;
      made[i]->few = few.at(i);
      made[i]->many = many.at(i);
      if (few[i].isTensor()) made[i]->measure(few[i].toTensor(), many[i].toTensor());
    }
  }

  void translate(const Node& node, const std::vector<Traced*>& inputs,
                 std::vector<TracedPtr>& made) {
    if (node.kind() == torch::jit::prim::ListConstruct) {
      for (const auto* input : node.inputs()) made[0]->list.push_back(values_.at(input));
      return;
    }
    if (node.kind() == torch::jit::prim::ListUnpack) {
      for (size_t i = 0; i < made.size(); ++i) {
        made[i]->name = to_.named(*inputs[0]->list.at(i));
      }
      return;
    }
    std::string name = node.kind().toQualString();
    if (writes(name)) name.pop_back();
    const auto* translate = find_translation(name);
    check(translate, kWhere, name, ": has no counterpart in ONNX here");
    std::vector<Traced*> outputs;
    for (const auto& output : made) outputs.push_back(output.get());
    (*translate)(Operation(to_, name, inputs, outputs));
  }

  Translation to_;
  const std::vector<RecordedInput>& inputs_;
  const Record &few_, &many_;
  std::unordered_set<const Node*> live_;
  std::unordered_map<const Value*, TracedPtr> values_;
  std::unordered_map<std::string, std::vector<TracedPtr>> made_;
  int64_t tensors_ = 0;
};

}  // namespace

OnnxGraph record(const std::string& name, const std::vector<RecordedInput>& inputs,
                 const Computation& compute) {
  const torch::NoGradGuard no_gradient;
  const auto few = record_once(inputs, kFewRows, compute);
  const auto many = record_once(inputs, kManyRows, compute);
  return RecordReader(name, inputs, few, many).read();
}

}  // namespace elbo
