#include "elbo/export/translation.h"

// Sums over many numbers, and what looks numbers up.

namespace elbo {
namespace {

/// x W^T + b
void linear(Op o) {
  const auto weight = o.known(1);
  const auto x = o.tensor(0);
  if (o.rank(0) == 2) {
    std::vector<std::string> inputs{x, o.tensor(1)};
    if (!o.absent(2)) inputs.push_back(o.tensor(2));
    return o.result(o.to.emit("Gemm", inputs, {{"transB", int64_t{1}}}));
  }
  const auto w =
      weight ? o.to.constant(weight->t())
             : o.to.emit("Transpose", {o.tensor(1)}, {{"perm", std::vector<int64_t>{1, 0}}});
  const auto y = o.to.emit("MatMul", {x, w});
  o.result(o.absent(2) ? y : o.to.emit("Add", {y, o.tensor(2)}));
}

void matmul(Op o) { o.result(o.to.emit("MatMul", {o.tensor(0), o.tensor(1)})); }

/// beta c + alpha a b
void addmm(Op o) {
  if ((!o.absent(3) && o.number(3) != 1) || (!o.absent(4) && o.number(4) != 1)) o.refuse("scales");
  o.result(o.to.emit("Add", {o.to.emit("MatMul", {o.tensor(1), o.tensor(2)}), o.tensor(0)}));
}

void einsum(Op o) {
  std::vector<std::string> parts;
  for (auto* part : o.tensors(1)) parts.push_back(o.to.named(*part));
  o.result(o.to.emit("Einsum", parts, {{"equation", o.word(0)}}));
}

void convolution(Op o) {
  std::vector<std::string> inputs{o.tensor(0), o.tensor(1)};
  if (!o.absent(2)) inputs.push_back(o.tensor(2));
  auto pads = o.wholes(4);
  const auto once = pads;
  pads.insert(pads.end(), once.begin(), once.end());
  std::vector<int64_t> kernel;
  for (size_t d = 2; d < o.shape(1).size(); ++d) kernel.push_back(o.shape(1)[d].fixed);
  OnnxAttributes attributes{{"strides", o.wholes(3)},
                            {"pads", pads},
                            {"dilations", o.wholes(5)},
                            {"kernel_shape", kernel},
                            {"group", o.whole(8)}};
  const bool transposed = o.flag(6);
  if (transposed) attributes["output_padding"] = o.wholes(7);
  o.result(o.to.emit(transposed ? "ConvTranspose" : "Conv", inputs, attributes));
}

/// The weight at input i, or ones; the shift, or zeros.
std::string filled_unless(Op o, size_t i, double value, int64_t size) {
  return o.absent(i) ? o.to.constant(torch::full({size}, value)) : o.tensor(i);
}

void batch_norm(Op o) {
  if (o.flag(5)) o.refuse("in training");
  const int64_t channels = o.shape(0).at(1).fixed;
  o.result(o.to.emit("BatchNormalization",
                     {o.tensor(0), filled_unless(o, 1, 1, channels),
                      filled_unless(o, 2, 0, channels), o.tensor(3), o.tensor(4)},
                     {{"epsilon", static_cast<float>(o.number(7))}}));
}

void group_norm(Op o) {
  const int64_t groups = o.whole(1), channels = o.shape(0).at(1).fixed;
  const auto rows = o.shape(0)[0];
  int64_t each = 1;
  for (size_t d = 1; d < o.shape(0).size(); ++d) each *= o.shape(0)[d].fixed;
  const auto grouped = o.to.reshape(o.tensor(0), {rows, {0, groups}, {0, each / groups}});
  auto y = o.to.emit(
      "InstanceNormalization",
      {grouped, o.to.constant(torch::ones({groups})), o.to.constant(torch::zeros({groups}))},
      {{"epsilon", static_cast<float>(o.number(4))}});
  y = o.to.reshape(y, o.result_shape());
  Counts across(o.shape(0).size() - 1, Count{0, 1});
  across[0] = {0, channels};
  if (!o.absent(2)) y = o.to.emit("Mul", {y, o.to.reshape(o.tensor(2), across)});
  if (!o.absent(3)) y = o.to.emit("Add", {y, o.to.reshape(o.tensor(3), across)});
  o.result(y);
}

void layer_norm(Op o) {
  const auto shape = o.wholes(1);
  const auto one = [&](size_t i, double value) {
    return o.absent(i) ? o.to.constant(torch::full(shape, value)) : o.tensor(i);
  };
  o.result(o.to.emit("LayerNormalization", {o.tensor(0), one(2, 1), one(3, 0)},
                     {{"axis", -static_cast<int64_t>(shape.size())},
                      {"epsilon", static_cast<float>(o.number(4))}}));
}

Translate softmax(const char* op) {
  return [op](Op o) {
    o.result(o.to.emit(op, {o.tensor(0, o.result_type())}, {{"axis", o.axis(1)}}));
  };
}

/// Axes at input `at`, keepdim behind it; over everything where the call ends before.
std::string reduced(Op o, const char* op, size_t at, torch::ScalarType type) {
  const bool all = o.size() <= at + 1;
  const auto axes = all ? std::vector<int64_t>() : o.axes(at);
  const auto x = o.tensor(0, type);
  OnnxAttributes attributes{{"keepdims", int64_t{!all && o.flag(at + 1)}}};
  std::vector<std::string> inputs{x};
  if (!axes.empty()) {
    if (std::string(op) == "ReduceSum") {
      inputs.push_back(o.to.wholes(axes));
    } else {
      attributes["axes"] = axes;
    }
  }
  return o.to.emit(op, inputs, attributes);
}

Translate reduction(const char* op) {
  return [op](Op o) { o.result(reduced(o, op, 1, o.result_type())); };
}

void norm(Op o) {
  const double p = o.absent(1) ? 2 : o.number(1);
  if (p != 1 && p != 2) o.refuse("order");
  o.result(reduced(o, p == 1 ? "ReduceL1" : "ReduceL2", 2, o.result_type()));
}

/// Whether any, or all, are true.
Translate truth(const char* op) {
  return [op](Op o) {
    const bool all = o.size() == 1;
    OnnxAttributes attributes{{"keepdims", int64_t{!all && o.flag(2)}}};
    if (!all) attributes["axes"] = o.axes(1);
    const auto x = o.to.cast(o.tensor(0, torch::kBool), torch::kInt32);
    o.result(o.to.cast(o.to.emit(op, {x}, attributes), torch::kBool));
  };
}

void largest_place(Op o, const char* op) {
  if (o.absent(1)) o.refuse("over everything");
  o.result(o.to.emit(op, {o.tensor(0)}, {{"axis", o.axis(1)}, {"keepdims", int64_t{o.flag(2)}}}));
}

/// The extreme of everything, of two tensors, or along an axis with its place.
void extreme(Op o, bool largest) {
  const char* across = largest ? "ReduceMax" : "ReduceMin";
  if (o.size() == 1) return o.result(o.to.emit(across, {o.tensor(0)}, {{"keepdims", int64_t{0}}}));
  if (o.size() == 2) {
    return o.result(o.to.emit(largest ? "Max" : "Min",
                              {o.tensor(0, o.result_type()), o.tensor(1, o.result_type())}));
  }
  const auto axis = o.axis(1);
  const int64_t keep = o.flag(2);
  o.result(
      o.to.emit(across, {o.tensor(0)}, {{"axes", std::vector<int64_t>{axis}}, {"keepdims", keep}}),
      0);
  o.result(
      o.to.emit(largest ? "ArgMax" : "ArgMin", {o.tensor(0)}, {{"axis", axis}, {"keepdims", keep}}),
      1);
}

void cumsum(Op o) {
  o.result(o.to.emit("CumSum", {o.tensor(0, o.result_type()), o.to.whole(o.axis(1))}));
}

/// Values and places of k along an axis, in order.
std::vector<std::string> top(Op o, int64_t k, int64_t axis, bool largest) {
  return o.to.emit_many("TopK", {o.tensor(0), o.to.wholes({k})}, 2,
                        {{"axis", axis}, {"largest", int64_t{largest}}, {"sorted", int64_t{1}}});
}

void argsort(Op o) {
  const auto axis = o.axis(1);
  o.result(top(o, o.shape(0).at(static_cast<size_t>(axis)).fixed, axis, o.flag(2))[1]);
}

void sort(Op o) {
  const auto axis = o.axis(1);
  const auto both = top(o, o.shape(0).at(static_cast<size_t>(axis)).fixed, axis, o.flag(2));
  o.result(both[0], 0);
  o.result(both[1], 1);
}

void topk(Op o) {
  const auto both = top(o, o.whole(1), o.axis(2), o.flag(3));
  o.result(both[0], 0);
  o.result(both[1], 1);
}

void index_select(Op o) {
  o.result(o.to.emit("Gather", {o.tensor(0), o.tensor(2)}, {{"axis", o.axis(1)}}));
}

void embedding(Op o) {
  o.result(o.to.emit("Gather", {o.tensor(0), o.tensor(1)}, {{"axis", int64_t{0}}}));
}

void gather(Op o) {
  o.result(o.to.emit("GatherElements", {o.tensor(0), o.tensor(2)}, {{"axis", o.axis(1)}}));
}

void scatter(Op o) {
  auto source = o.tensor(3, o.result_type());
  if (o.is_number(3) || o.shape(3).empty()) {
    source = o.to.emit("Expand", {source, o.to.counts(o.shape(2))});
  }
  o.result(o.to.emit("ScatterElements", {o.tensor(0), o.tensor(2), source}, {{"axis", o.axis(1)}}));
}

/// Whole slices along an axis are replaced by those of another tensor.
void index_copy(Op o) {
  const auto axis = o.axis(1);
  Counts line(o.shape(3).size(), Count{0, 1});
  line[static_cast<size_t>(axis)] = o.shape(3)[static_cast<size_t>(axis)];
  const auto places =
      o.to.emit("Expand", {o.to.reshape(o.tensor(2), line), o.to.counts(o.shape(3))});
  o.result(o.to.emit("ScatterElements", {o.tensor(0), places, o.tensor(3)}, {{"axis", axis}}));
}

void one_hot(Op o) {
  const auto values = o.to.constant(torch::tensor(std::vector<int64_t>{0, 1}, torch::kInt64));
  o.result(
      o.to.emit("OneHot", {o.tensor(0), o.to.whole(o.whole(1)), values}, {{"axis", int64_t{-1}}}));
}

void upsample(Op o) {
  const auto& to = o.result_shape();
  o.result(o.to.emit("Resize", {o.tensor(0), "", "", o.to.counts(to)},
                     {{"mode", std::string("nearest")},
                      {"coordinate_transformation_mode", std::string("asymmetric")},
                      {"nearest_mode", std::string("floor")}}));
}

void average_pool(Op o) {
  const auto kernel = o.wholes(1);
  auto stride = o.wholes(2), pads = o.wholes(3);
  if (stride.empty()) stride = kernel;
  const auto once = pads;
  pads.insert(pads.end(), once.begin(), once.end());
  o.result(o.to.emit("AveragePool", {o.tensor(0)},
                     {{"kernel_shape", kernel},
                      {"strides", stride},
                      {"pads", pads},
                      {"count_include_pad", int64_t{o.flag(5)}},
                      {"ceil_mode", int64_t{o.flag(4)}}}));
}

const bool product_operations_added = [] {
  add_translation({"aten::linear"}, linear);
  add_translation({"aten::matmul", "aten::mm", "aten::bmm", "aten::mv", "aten::dot"}, matmul);
  add_translation({"aten::addmm"}, addmm);
  add_translation({"aten::einsum"}, einsum);
  add_translation({"aten::_convolution", "aten::convolution"}, convolution);
  add_translation({"aten::batch_norm"}, batch_norm);
  add_translation({"aten::group_norm"}, group_norm);
  add_translation({"aten::layer_norm"}, layer_norm);
  add_translation({"aten::softmax", "aten::_softmax"}, softmax("Softmax"));
  add_translation({"aten::log_softmax", "aten::_log_softmax"}, softmax("LogSoftmax"));
  add_translation({"aten::sum"}, reduction("ReduceSum"));
  add_translation({"aten::mean"}, reduction("ReduceMean"));
  add_translation({"aten::prod"}, reduction("ReduceProd"));
  add_translation({"aten::amax"}, reduction("ReduceMax"));
  add_translation({"aten::amin"}, reduction("ReduceMin"));
  add_translation({"aten::logsumexp"}, reduction("ReduceLogSumExp"));
  add_translation({"aten::norm", "aten::linalg_vector_norm"}, norm);
  add_translation({"aten::any"}, truth("ReduceMax"));
  add_translation({"aten::all"}, truth("ReduceMin"));
  add_translation({"aten::argmax"}, [](Op o) { largest_place(o, "ArgMax"); });
  add_translation({"aten::argmin"}, [](Op o) { largest_place(o, "ArgMin"); });
  add_translation({"aten::max"}, [](Op o) { extreme(o, true); });
  add_translation({"aten::min"}, [](Op o) { extreme(o, false); });
  add_translation({"aten::cumsum"}, cumsum);
  add_translation({"aten::argsort"}, argsort);
  add_translation({"aten::sort"}, sort);
  add_translation({"aten::topk"}, topk);
  add_translation({"aten::index_select"}, index_select);
  add_translation({"aten::embedding"}, embedding);
  add_translation({"aten::gather"}, gather);
  add_translation({"aten::scatter"}, scatter);
  add_translation({"aten::index_copy"}, index_copy);
  add_translation({"aten::one_hot"}, one_hot);
  add_translation({"aten::upsample_nearest2d"}, upsample);
  add_translation({"aten::avg_pool2d"}, average_pool);
  return true;
}();

}  // namespace
}  // namespace elbo
