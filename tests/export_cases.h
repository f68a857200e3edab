#pragma once

#include <ATen/record_function.h>

#include "elbo/export/parts.h"
#include "elbo/export/translation.h"
#include "elbo/model/spec.h"

// What an exported graph must reproduce: inputs, and what the library makes of them.

namespace elbo {

// inputs() asserts a flag that a libtorch built with NDEBUG never sets; an explicit instantiation
// may name the member itself.
c10::ArrayRef<const c10::IValue> inputs_of(const at::RecordFunction& function);
template <c10::ArrayRef<const c10::IValue> at::RecordFunction::*kMember>
struct InputsOf {
  friend c10::ArrayRef<const c10::IValue> inputs_of(const at::RecordFunction& function) {
    return function.*kMember;
  }
};
template struct InputsOf<&at::RecordFunction::inputs_>;

/// Draws of a computation as the uniform or normal numbers that an exported graph takes instead.
class DrawLog {
 public:
  DrawLog() {
    list() = {};
    handle_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback(&begin, &end).needsInputs(true).needsOutputs(true));
  }
  ~DrawLog() { at::removeCallback(handle_); }
  DrawLog(const DrawLog&) = delete;
  DrawLog& operator=(const DrawLog&) = delete;

  /// In order of their making.
  std::vector<Tensor> draws() const { return list(); }

 private:
  struct Call : at::ObserverContext {
    std::vector<c10::IValue> inputs;
  };
  static std::vector<Tensor>& list() {
    thread_local std::vector<Tensor> all;
    return all;
  }
  static bool is_draw(const std::string& name) {
    static const std::vector<std::string> names{
        "aten::rand",    "aten::randn",     "aten::rand_like",  "aten::randn_like",
        "aten::randint", "aten::bernoulli", "aten::multinomial"};
    return std::find(names.begin(), names.end(), name) != names.end();
  }
  static std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
    if (!is_draw(function.name())) return nullptr;
    auto call = std::make_unique<Call>();
    const auto inputs = inputs_of(function);
    call->inputs.assign(inputs.begin(), inputs.end());
    return call;
  }
  static void end(const at::RecordFunction& function, at::ObserverContext* context) {
    if (!context) return;
    const std::string name = function.name();
    const auto value = function.outputs().at(0).toTensor().clone();
    const auto& inputs = static_cast<Call*>(context)->inputs;
    if (name == "aten::randint") {
      const bool with_low = inputs.at(1).isInt();
      const double low = with_low ? inputs[0].toScalar().toDouble() : 0;
      const double high = inputs[with_low ? 1 : 0].toScalar().toDouble();
      list().push_back((value.to(torch::kFloat32) - low + 0.5) / (high - low));
    } else if (name == "aten::multinomial") {
      const auto sums = inputs.at(0).toTensor().cumsum(-1);
      const auto end = sums.gather(-1, value), total = sums.narrow(-1, sums.size(-1) - 1, 1);
      const auto begin = end - inputs[0].toTensor().gather(-1, value);
      list().push_back((begin + end) / 2 / total);
    } else if (name == "aten::bernoulli") {
      const auto p = inputs.at(0).toTensor();
      list().push_back(torch::where(value > 0, 0.5 * p, 0.5 + 0.5 * p));
    } else {
      list().push_back(value);
    }
  }

  at::CallbackHandle handle_;
};

/// Random values that a model's input may have.
inline Tensor random_input(const Schema& schema, const RecordedInput& input, int64_t rows) {
  auto shape = input.example.sizes().vec();
  shape[0] = rows;
  const auto type = input.example.scalar_type();
  if (type == torch::kInt64) return torch::randint(2, shape, torch::kInt64);
  if (input.name == "x" && schema.kind == Kind::kBinary) return torch::randint(2, shape).to(type);
  if (input.name == "x" && schema.kind != Kind::kReal) return torch::rand(shape);
  return torch::randn(shape);
}

/// A part's outputs for inputs of so many rows, with the draws that went into it as inputs.
struct ExportCase {
  NamedTensors inputs, outputs;
};
inline ExportCase run_part(const ExportedPart& part, const std::vector<Tensor>& inputs,
                           int64_t rows, uint64_t seed) {
  torch::NoGradGuard no_gradient;
  RandomScope scope(seed);
  ExportCase found;
  std::vector<Tensor> draws;
  {
    const DrawLog log;
    found.outputs = part.compute(inputs, rows);
    draws = log.draws();
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    found.inputs.emplace_back(part.graph.inputs[i].name, inputs[i]);
  }
  for (size_t i = inputs.size(); i < part.graph.inputs.size(); ++i) {
    const auto& name = part.graph.inputs[i].name;
    const auto at = static_cast<size_t>(std::stoll(name.substr(name.find('_') + 1)));
    found.inputs.emplace_back(name, draws.at(at).to(torch::kFloat32));
  }
  return found;
}

}  // namespace elbo
