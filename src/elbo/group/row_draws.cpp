#include "elbo/group/row_draws.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <cassert>

namespace elbo {
namespace {

// A key of the dispatcher that no backend uses: while it is included, the operations below come
// here first. What a part of a model draws needs no word from its author.
constexpr auto kKey = c10::DispatchKey::TESTING_ONLY_GenericMode;

constexpr int64_t kShared = -1;  // as the total: every row of `count` draws alike

thread_local RowPart part_here;
thread_local int64_t axis_here = 0;

bool active() { return c10::impl::tls_is_dispatch_key_included(kKey); }
void set_active(bool on) { c10::impl::tls_set_dispatch_key_included(kKey, on); }

bool has_rows(const Tensor& t) {
  return t.dim() > axis_here && t.size(axis_here) > 0 && t.size(axis_here) % part_here.count == 0;
}

/// [outer, rows, rest] with the rows of an axis apart from what lies outside and inside of them.
Tensor three_axes(const Tensor& t, int64_t axis, int64_t rows) {
  const auto outside = axis == 0 ? t.size(0) / rows : t.size(0);
  return t.reshape({outside, rows, t.numel() / (outside * rows)});
}

Tensor own_rows(const Tensor& whole, int64_t axis) {
  auto shape = whole.sizes().vec();
  shape[static_cast<size_t>(axis)] =
      shape[static_cast<size_t>(axis)] / part_here.total * part_here.count;
  return three_axes(whole, axis, part_here.total)
      .narrow(1, part_here.first, part_here.count)
      .reshape(shape);
}

/// Own rows at their places in the whole batch; the others repeat the first, which is as valid.
Tensor in_whole(const Tensor& t, int64_t axis) {
  auto shape = t.sizes().vec();
  shape[static_cast<size_t>(axis)] =
      shape[static_cast<size_t>(axis)] / part_here.count * part_here.total;
  const auto own = three_axes(t, axis, part_here.count);
  auto whole = own.narrow(1, 0, 1).repeat({1, part_here.total, 1});
  whole.narrow(1, part_here.first, part_here.count).copy_(own);
  return whole.view(shape);
}

/// multinomial(weights [K], n, …): n is a number of rows.
void draw_indices(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  auto& n = (stack->end() - static_cast<int64_t>(op.schema().arguments().size()))[1];
  if (n.toInt() % part_here.count != 0) return op.callBoxed(stack);
  n = n.toInt() / part_here.count * part_here.total;
  op.callBoxed(stack);
  stack->back() = own_rows(stack->back().toTensor(), 0).clone();
}

/// One row's draw for all of them. False: each row has a law of its own.
bool draw_shared(const c10::OperatorHandle& op, torch::jit::Stack* stack, size_t count,
                 int64_t axis) {
  if (!op.schema().name().ends_with("_")) return false;
  const auto arguments = stack->end() - static_cast<int64_t>(count);
  for (auto a = arguments + 1; a != stack->end(); ++a) {
    if (a->isTensor() && a->toTensor().defined()) return false;
  }
  const Tensor self = arguments->toTensor();
  const auto all = three_axes(self.detach(), axis, part_here.count);
  *arguments = torch::empty({all.size(0), 1, all.size(2)}, self.options());
  op.callBoxed(stack);
  self.detach().copy_(stack->back().toTensor().expand(all.sizes()).reshape(self.sizes()));
  stack->back() = self;
  return true;
}

void draw(const c10::OperatorHandle& op, c10::DispatchKeySet, torch::jit::Stack* stack) {
  const WholeDraws inner;
  torch::NoGradGuard no_gradient;
  const auto count = op.schema().arguments().size();
  const auto arguments = stack->end() - static_cast<int64_t>(count);
  const Tensor self = arguments->toTensor();
  if (part_here.total == kShared) {
    if (!has_rows(self) || !draw_shared(op, stack, count, axis_here)) op.callBoxed(stack);
    return;
  }
  // Indices out of one distribution [K]: its axis is no axis of rows, that of the indices is.
  if (op.schema().name() == "aten::multinomial" && self.dim() == 1) return draw_indices(op, stack);
  if (!has_rows(self)) return op.callBoxed(stack);
  const int64_t axis = axis_here;
  const bool in_place = op.schema().name().ends_with("_");
  for (auto a = arguments; a != stack->end(); ++a) {
    if (!a->isTensor() || !a->toTensor().defined()) continue;
    const auto t = a->toTensor();
    if (t.sizes() == self.sizes()) *a = in_whole(t.detach(), axis);
  }
  op.callBoxed(stack);
  const auto own = own_rows(stack->back().toTensor(), axis);
  stack->back() = in_place ? self.detach().copy_(own) : own.clone();
  if (in_place) stack->back() = self;
}

TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericMode, all) {
  all.fallback(torch::CppFunction::makeFallthrough());
}

TORCH_LIBRARY_IMPL(aten, TESTING_ONLY_GenericMode, aten) {
  for (const char* name :
       {"normal_", "uniform_", "exponential_", "bernoulli_.float", "bernoulli_.Tensor", "random_",
        "random_.from", "random_.to", "multinomial", "_standard_gamma"}) {
    aten.impl(name, torch::CppFunction::makeFromBoxedFunction<&draw>());
  }
}

}  // namespace

RowDraws::RowDraws(const RowPart& part) : before_(part_here), was_active_(active()) {
  assert(part.count > 0 && part.first >= 0 && part.first + part.count <= part.total);
  part_here = part;
  set_active(part.count < part.total);
}

RowDraws::~RowDraws() {
  part_here = before_;
  set_active(was_active_);
}

RowAxis::RowAxis(int64_t axis) : before_(axis_here) { axis_here = axis; }
RowAxis::~RowAxis() { axis_here = before_; }

SharedDraws::SharedDraws(int64_t rows) : before_(part_here), was_active_(active()) {
  assert(rows > 0);
  part_here = {0, rows, kShared};
  set_active(rows > 1);
}

SharedDraws::~SharedDraws() {
  part_here = before_;
  set_active(was_active_);
}

WholeDraws::WholeDraws() : was_active_(active()) { set_active(false); }
WholeDraws::~WholeDraws() { set_active(was_active_); }

}  // namespace elbo
