#include "elbo/export/translation.h"

// Draws: their source is an input of the graph.

namespace elbo {
namespace {

std::string uniform(Op o, const Counts& shape) { return o.to.noise("uniform", shape); }

void standard(Op o, const char* kind) { o.result(o.to.noise(kind, o.result_shape())); }

/// randint(high, sizes, …) or randint(low, high, sizes, …)
void whole_numbers(Op o) {
  const bool with_low = o.is_whole(1);
  const double low = with_low ? o.number(0) : 0, high = o.number(with_low ? 1 : 0);
  const auto u = uniform(o, o.result_shape());
  const auto scaled = o.to.emit("Floor", {o.to.emit("Mul", {u, o.to.number(high - low)})});
  const auto kept = o.to.emit("Min", {scaled, o.to.number(high - low - 1)});
  const auto y = o.to.emit("Add", {kept, o.to.number(low)});
  o.result(exported(o.result_type()) == torch::kFloat32 ? y : o.to.cast(y, o.result_type()));
}

/// 1 with the given probabilities.
void bernoulli(Op o) {
  const auto below = o.to.emit("Less", {uniform(o, o.result_shape()), o.tensor(0)});
  o.result(o.to.cast(below, o.result_type()));
}

/// Places where a uniform number meets the running sum of weights [.., K].
void multinomial(Op o) {
  auto shape = o.result_shape();
  const bool replaced = o.count(1) == Count{0, 1} || (!o.absent(2) && o.flag(2));
  if (!replaced) o.refuse("without replacement");
  const auto last = o.rank(0) - 1;
  const int64_t classes = o.shape(0).back().fixed;
  shape.push_back({0, 1});
  const auto u = o.to.reshape(uniform(o, o.result_shape()), shape);        // [.., n, 1]
  const auto sums = o.to.emit("CumSum", {o.tensor(0), o.to.whole(last)});  // [.., K]
  const auto total = o.to.emit(
      "Slice", {sums, o.to.wholes({classes - 1}), o.to.wholes({classes}), o.to.wholes({last})});
  const auto share = o.to.emit("Unsqueeze", {o.to.emit("Div", {sums, total}), o.to.wholes({last})});
  const auto passed = o.to.cast(o.to.emit("GreaterOrEqual", {u, share}), torch::kInt64);
  const auto place =
      o.to.emit("ReduceSum", {passed, o.to.wholes({-1})}, {{"keepdims", int64_t{0}}});
  o.result(o.to.emit("Min", {place, o.to.whole(classes - 1)}));
}

const bool random_operations_added = [] {
  add_translation({"aten::randn", "aten::randn_like"}, [](Op o) { standard(o, "normal"); });
  add_translation({"aten::rand", "aten::rand_like"}, [](Op o) { standard(o, "uniform"); });
  add_translation({"aten::randint"}, whole_numbers);
  add_translation({"aten::bernoulli"}, bernoulli);
  add_translation({"aten::multinomial"}, multinomial);
  return true;
}();

}  // namespace
}  // namespace elbo
