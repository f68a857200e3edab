#include "elbo/exact/arithmetic.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/library.h>

#include <unordered_set>

#include "elbo/core/error.h"
#include "elbo/exact/kept_weights.h"
#include "elbo/exact/operations.h"
#include "elbo/kernels/choice.h"

namespace elbo {
namespace exact {
namespace {

// One of two keys that libtorch leaves to its users, above all others; group/row_draws.cpp has the
// other.
constexpr auto kMode = c10::DispatchKey::TESTING_ONLY_GenericWrapper;

/// What moves numbers, compares them, or rounds once as IEEE 754 says.
const std::unordered_set<std::string>& safe_names() {
  static const std::unordered_set<std::string> names{"_local_scalar_dense",
                                                     "_reshape_alias",
                                                     "_to_copy",
                                                     "_unsafe_view",
                                                     "abs",
                                                     "add",
                                                     "alias",
                                                     "all",
                                                     "amax",
                                                     "amin",
                                                     "any",
                                                     "arange",
                                                     "argmax",
                                                     "argmin",
                                                     "as_strided",
                                                     "bincount",
                                                     "bitwise_and",
                                                     "bitwise_not",
                                                     "bitwise_or",
                                                     "bitwise_xor",
                                                     "bucketize",
                                                     "cat",
                                                     "ceil",
                                                     "clamp",
                                                     "clamp_max",
                                                     "clamp_min",
                                                     "clone",
                                                     "constant_pad_nd",
                                                     "copy_",
                                                     "detach",
                                                     "diagonal",
                                                     "div",
                                                     "empty",
                                                     "empty_like",
                                                     "empty_strided",
                                                     "eq",
                                                     "equal",
                                                     "expand",
                                                     "eye",
                                                     "fill_",
                                                     "flip",
                                                     "floor",
                                                     "full",
                                                     "full_like",
                                                     "gather",
                                                     "ge",
                                                     "gt",
                                                     "hardtanh",
                                                     "im2col",
                                                     "index",
                                                     "index_copy",
                                                     "index_fill",
                                                     "index_put_",
                                                     "index_select",
                                                     "isfinite",
                                                     "isinf",
                                                     "isnan",
                                                     "item",
                                                     "le",
                                                     "leaky_relu",
                                                     "lift_fresh",
                                                     "linspace",
                                                     "logical_and",
                                                     "logical_not",
                                                     "logical_or",
                                                     "lt",
                                                     "masked_fill",
                                                     "masked_scatter",
                                                     "masked_select",
                                                     "max",
                                                     "max_pool2d_with_indices",
                                                     "maximum",
                                                     "min",
                                                     "minimum",
                                                     "mul",
                                                     "nan_to_num",
                                                     "ne",
                                                     "neg",
                                                     "new_empty",
                                                     "new_empty_strided",
                                                     "new_full",
                                                     "new_zeros",
                                                     "nonzero",
                                                     "ones",
                                                     "ones_like",
                                                     "permute",
                                                     "pixel_shuffle",
                                                     "pixel_unshuffle",
                                                     "reciprocal",
                                                     "relu",
                                                     "remainder",
                                                     "repeat",
                                                     "resize_",
                                                     "roll",
                                                     "round",
                                                     "scalar_tensor",
                                                     "scatter",
                                                     "searchsorted",
                                                     "select",
                                                     "set_",
                                                     "sgn",
                                                     "sign",
                                                     "slice",
                                                     "sort",
                                                     "split",
                                                     "split_with_sizes",
                                                     "sqrt",
                                                     "squeeze",
                                                     "stack",
                                                     "sub",
                                                     "t",
                                                     "threshold",
                                                     "topk",
                                                     "transpose",
                                                     "tril",
                                                     "triu",
                                                     "trunc",
                                                     "unbind",
                                                     "unfold",
                                                     "unsqueeze",
                                                     "upsample_nearest2d",
                                                     "view",
                                                     "where",
                                                     "zero_",
                                                     "zeros",
                                                     "zeros_like"};
  return names;
}

const Operations& table() {
  static const Operations operations = [] {
    Operations all;
    add_products(all);
    add_sums(all);
    add_functions(all);
    return all;
  }();
  return operations;
}

bool in_place(const std::string& name) { return name.ends_with('_') && !name.ends_with("__"); }

/// exp_ for exp, add_ for add: the result goes where the first argument is.
void run_in_place(const Exact& run, size_t count, torch::jit::Stack* stack) {
  const Arguments in(stack->end() - static_cast<int64_t>(count), stack->end());
  auto target = in[0].toTensor();
  target.copy_(run(in)[0].toTensor());
  torch::jit::drop(*stack, count);
  stack->emplace_back(target);
}

void run_mode(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const auto& schema = op.schema();
  const std::string& name = schema.name();
  const size_t count = schema.arguments().size();
  const bool inward = in_place(name);
  const auto base = inward ? name.substr(0, name.size() - 1) : name;
  if (const auto* run = table().find(base, schema.overload_name())) {
    const c10::impl::ExcludeDispatchKeyGuard without_mode(kMode);
    if (inward) return run_in_place(*run, count, stack);
    auto results = (*run)(Arguments(stack->end() - static_cast<int64_t>(count), stack->end()));
    torch::jit::drop(*stack, count);
    for (auto& result : results) stack->push_back(std::move(result));
    return;
  }
  const auto below = keys & c10::DispatchKeySet(c10::DispatchKeySet::FULL_AFTER, kMode);
  const auto plain = base.starts_with("aten::") ? base.substr(6) : base;
  if (safe_names().count(plain) > 0 || safe_names().count(plain + "_") > 0) {
    const c10::impl::ExcludeDispatchKeyGuard without_mode(kMode);
    return op.redispatchBoxed(below, stack);
  }
  // What is made of other operations meets the mode again in each of them.
  if (op.hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd)) {
    return op.redispatchBoxed(below, stack);
  }
  fail("[exact] ", plain, ": this operation has no form that is equal on every machine");
}

}  // namespace

const Exact* Operations::find(const std::string& name, const std::string& overload) const {
  const auto at = table_.find(name);
  if (at != table_.end()) return &at->second;
  const auto with_overload = table_.find(name + "." + overload);
  return with_overload == table_.end() ? nullptr : &with_overload->second;
}

TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericWrapper, m) {
  m.fallback(torch::CppFunction::makeFromBoxedFunction<&run_mode>());
}

}  // namespace exact

struct ExactArithmetic::Scope {
  torch::NoGradGuard no_gradient;
  exact::KeptWeights kept;
  exact::KeptWeights* before;
  PlainOperations plain;
  c10::impl::IncludeDispatchKeyGuard mode{exact::kMode};

  explicit Scope(const std::vector<Tensor>& weights)
      : kept(weights), before(exact::KeptWeights::current()) {
    exact::KeptWeights::current() = &kept;
  }
  ~Scope() { exact::KeptWeights::current() = before; }
};

ExactArithmetic::ExactArithmetic(const std::vector<Tensor>& weights)
    : scope_(std::make_unique<Scope>(weights)) {}
ExactArithmetic::~ExactArithmetic() = default;

}  // namespace elbo
