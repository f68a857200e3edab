#include <numeric>

#include "elbo/export/translation.h"

// The same numbers in other places.

namespace elbo {
namespace {

void pass(Op o) { o.result(o.tensor(0, o.result_type())); }

void reshape(Op o) { o.result(o.to.reshape(o.tensor(0), o.result_shape())); }

void expand(Op o) {
  if (o.shape(0) == o.result_shape()) return pass(o);
  o.result(o.to.emit("Expand", {o.tensor(0), o.to.counts(o.result_shape())}));
}

void unsqueeze(Op o) {
  const int64_t axis = o.whole(1);
  o.result(
      o.to.emit("Unsqueeze", {o.tensor(0), o.to.wholes({axis < 0 ? axis + o.rank(0) + 1 : axis})}));
}

void repeat(Op o) {
  std::vector<int64_t> times;
  Counts padded(o.result_shape().size() - o.shape(0).size(), Count{0, 1}), factors;
  padded.insert(padded.end(), o.shape(0).begin(), o.shape(0).end());
  for (size_t d = 0; d < padded.size(); ++d) {
    const auto from = padded[d], to = o.result_shape()[d];
    if (from == Count{0, 1}) {
      factors.push_back(to);
    } else {
      const auto whole =
          from.each > 0 ? to.each / from.each : to.fixed / std::max<int64_t>(1, from.fixed);
      if (!(Count{from.each * whole, from.fixed * whole} == to)) o.refuse("sizes");
      factors.push_back({0, whole});
    }
  }
  const auto x =
      padded.size() == o.shape(0).size() ? o.tensor(0) : o.to.reshape(o.tensor(0), padded);
  o.result(o.to.emit("Tile", {x, o.to.counts(factors)}));
}

void repeat_interleave(Op o) {
  // [.., n, ..] -> [.., n, k, ..] -> [.., n k, ..]
  const int64_t times = o.whole(1), axis = o.absent(2) ? 0 : o.axis(2);
  auto wide = o.shape(0);
  wide.insert(wide.begin() + axis + 1, Count{0, times});
  const auto x = o.to.emit("Unsqueeze", {o.tensor(0), o.to.wholes({axis + 1})});
  o.result(o.to.reshape(o.to.emit("Expand", {x, o.to.counts(wide)}), o.result_shape()));
}

std::string permuted(Op o, const std::vector<int64_t>& order) {
  return o.to.emit("Transpose", {o.tensor(0)}, {{"perm", order}});
}

std::vector<int64_t> in_order(int64_t rank) {
  std::vector<int64_t> order(static_cast<size_t>(rank));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

void transpose(Op o) {
  auto order = in_order(o.rank(0));
  const auto a = o.size() > 1 ? o.axis(1) : 0, b = o.size() > 1 ? o.axis(2) : o.rank(0) - 1;
  std::swap(order[static_cast<size_t>(a)], order[static_cast<size_t>(b)]);
  o.result(permuted(o, order));
}

void permute(Op o) { o.result(permuted(o, o.axes(1))); }

void movedim(Op o) {
  const auto from = o.axes(1), to = o.axes(2);
  std::vector<int64_t> order(static_cast<size_t>(o.rank(0)), -1);
  std::vector<bool> moved(order.size(), false);
  for (size_t i = 0; i < from.size(); ++i) {
    order[static_cast<size_t>(to[i])] = from[i];
    moved[static_cast<size_t>(from[i])] = true;
  }
  size_t next = 0;
  for (auto& place : order) {
    if (place >= 0) continue;
    while (moved[next]) ++next;
    place = static_cast<int64_t>(next++);
  }
  o.result(permuted(o, order));
}

std::string slice(Op o, int64_t axis, const Count& from, const Count& to, int64_t step = 1) {
  return o.to.emit("Slice", {o.tensor(0), o.to.counts({from}), o.to.counts({to}),
                             o.to.wholes({axis}), o.to.wholes({step})});
}

void narrow(Op o) {
  const auto start = o.count(2), length = o.count(3);
  o.result(slice(o, o.axis(1), start, {start.each + length.each, start.fixed + length.fixed}));
}

void take_slice(Op o) {
  const auto start = o.absent(2) ? Count{} : o.count(2);
  const auto end = o.absent(3) ? Count{0, std::numeric_limits<int64_t>::max()} : o.count(3);
  o.result(slice(o, o.axis(1), start, end, o.absent(4) ? 1 : o.whole(4)));
}

void flip(Op o) {
  const auto axes = o.axes(1);
  const std::vector<int64_t> last(axes.size(), -1),
      before(axes.size(), std::numeric_limits<int64_t>::min());
  o.result(o.to.emit("Slice", {o.tensor(0), o.to.wholes(last), o.to.wholes(before),
                               o.to.wholes(axes), o.to.wholes(last)}));
}

void select(Op o) {
  o.result(o.to.emit("Gather", {o.tensor(0), o.to.count(o.count(2))}, {{"axis", o.axis(1)}}));
}

/// One place along an axis is another tensor.
void select_scatter(Op o) {
  const auto axis = o.axis(2);
  const auto at = o.count(3);
  const auto one = o.to.emit("Unsqueeze", {o.tensor(1), o.to.wholes({axis})});
  const auto before = slice(o, axis, {}, at);
  const auto after = slice(o, axis, {at.each, at.fixed + 1}, o.shape(0)[static_cast<size_t>(axis)]);
  o.result(o.to.emit("Concat", {before, one, after}, {{"axis", axis}}));
}

void split_in(Op o, int64_t axis, const std::vector<int64_t>& sizes) {
  const auto x = o.tensor(0);
  o.results(o.to.emit_many("Split", {x, o.to.wholes(sizes)}, sizes.size(), {{"axis", axis}}));
}

std::vector<int64_t> pieces(int64_t total, int64_t each) {
  std::vector<int64_t> sizes;
  for (int64_t at = 0; at < total; at += each) sizes.push_back(std::min(each, total - at));
  return sizes;
}

int64_t fixed_size(Op o, int64_t axis) {
  const auto size = o.shape(0)[static_cast<size_t>(axis)];
  if (size.each != 0) o.refuse("along rows");
  return size.fixed;
}

void chunk(Op o) {
  const auto axis = o.axis(2), total = fixed_size(o, axis), n = o.whole(1);
  split_in(o, axis, pieces(total, (total + n - 1) / n));
}

void split(Op o) {
  const auto axis = o.axis(2);
  const auto sizes = o.wholes(1);
  const bool listed = o.name == "aten::split_with_sizes" || sizes.size() > 1;
  split_in(o, axis, listed ? sizes : pieces(fixed_size(o, axis), sizes.at(0)));
}

void unbind(Op o) {
  const auto axis = o.axis(1);
  std::vector<std::string> parts;
  for (int64_t i = 0; i < fixed_size(o, axis); ++i) {
    parts.push_back(o.to.emit("Gather", {o.tensor(0), o.to.whole(i)}, {{"axis", axis}}));
  }
  o.results(parts);
}

void join(Op o, bool new_axis) {
  std::vector<std::string> parts;
  const auto rank = static_cast<int64_t>(o.result_shape().size());
  const auto given = o.whole(1), axis = given < 0 ? given + rank : given;
  for (auto* part : o.tensors(0)) {
    // An empty vector joins anything in libtorch.
    if (!new_axis && part->shape == Counts{Count{}} && rank != 1) continue;
    auto x = o.to.named(*part);
    if (exported(part->type) != exported(o.result_type())) x = o.to.cast(x, o.result_type());
    parts.push_back(new_axis ? o.to.emit("Unsqueeze", {x, o.to.wholes({axis})}) : x);
  }
  o.result(o.to.emit("Concat", parts, {{"axis", axis}}));
}

void pad(Op o) {
  const auto given = o.wholes(1);
  const auto rank = static_cast<size_t>(o.rank(0));
  std::vector<int64_t> pads(2 * rank, 0);  // all beginnings, then all ends; axes from the last
  for (size_t i = 0; i < given.size() / 2; ++i) {
    pads[rank - 1 - i] = given[2 * i];
    pads[2 * rank - 1 - i] = given[2 * i + 1];
  }
  const auto value =
      o.to.constant(torch::full({}, o.absent(2) ? 0 : o.number(2), exported(o.result_type())));
  o.result(o.to.emit("Pad", {o.tensor(0), o.to.wholes(pads), value},
                     {{"mode", std::string("constant")}}));
}

void triangle(Op o, bool upper) {
  o.result(o.to.emit("Trilu", {o.tensor(0), o.to.whole(o.absent(1) ? 0 : o.whole(1))},
                     {{"upper", int64_t{upper}}}));
}

void filled(Op o, double value) {
  const auto one = o.to.constant(torch::full({}, value, exported(o.result_type())));
  o.result(o.to.emit("Expand", {one, o.to.counts(o.result_shape())}));
}

/// [.., n] -> [.., n, n]
void diagonal_matrix(Op o) {
  if ((!o.absent(1) && o.whole(1) != 0) ||
      (!o.absent(2) && (o.whole(2) != -2 || o.whole(3) != -1))) {
    o.refuse("offset or axes");
  }
  const int64_t n = o.result_shape().back().fixed;
  const auto x = o.to.emit("Unsqueeze", {o.tensor(0), o.to.wholes({o.rank(0)})});
  o.result(o.to.emit("Mul", {x, o.to.constant(torch::eye(n).to(exported(o.result_type())))}));
}

/// [.., n, n] -> [.., n]
void diagonal(Op o) {
  const auto rank = o.rank(0);
  if (o.whole(1) != 0 || o.axis(2) != rank - 2 || o.axis(3) != rank - 1) o.refuse("offset or axes");
  auto flat = o.shape(0);
  const int64_t n = flat.back().fixed;
  flat.pop_back();
  flat.back() = {0, n * n};
  o.result(o.to.emit("Gather",
                     {o.to.reshape(o.tensor(0), flat), o.to.constant(torch::arange(n) * (n + 1))},
                     {{"axis", rank - 2}}));
}

const bool shape_operations_added = [] {
  add_translation({"aten::to", "aten::contiguous", "aten::clone", "aten::detach", "aten::alias",
                   "aten::type_as", "aten::_to_copy", "aten::dropout", "aten::lift_fresh"},
                  pass);
  add_translation({"aten::view", "aten::reshape", "aten::flatten", "aten::view_as", "aten::squeeze",
                   "aten::unflatten", "aten::reshape_as", "aten::_unsafe_view"},
                  reshape);
  add_translation({"aten::expand", "aten::expand_as", "aten::broadcast_to"}, expand);
  add_translation({"aten::unsqueeze"}, unsqueeze);
  add_translation({"aten::repeat", "aten::tile"}, repeat);
  add_translation({"aten::repeat_interleave"}, repeat_interleave);
  add_translation({"aten::transpose", "aten::t", "aten::swapaxes"}, transpose);
  add_translation({"aten::permute"}, permute);
  add_translation({"aten::movedim"}, movedim);
  add_translation({"aten::narrow"}, narrow);
  add_translation({"aten::slice"}, take_slice);
  add_translation({"aten::flip"}, flip);
  add_translation({"aten::select"}, select);
  add_translation({"aten::select_scatter"}, select_scatter);
  add_translation({"aten::chunk"}, chunk);
  add_translation({"aten::split", "aten::split_with_sizes"}, split);
  add_translation({"aten::unbind"}, unbind);
  add_translation({"aten::cat", "aten::concat"}, [](Op o) { join(o, false); });
  add_translation({"aten::stack"}, [](Op o) { join(o, true); });
  add_translation({"aten::constant_pad_nd", "aten::pad"}, pad);
  add_translation({"aten::tril"}, [](Op o) { triangle(o, false); });
  add_translation({"aten::triu"}, [](Op o) { triangle(o, true); });
  add_translation({"aten::zeros_like", "aten::new_zeros"}, [](Op o) { filled(o, 0); });
  add_translation({"aten::ones_like", "aten::new_ones"}, [](Op o) { filled(o, 1); });
  add_translation({"aten::full_like"}, [](Op o) { filled(o, o.number(1)); });
  add_translation({"aten::fill"}, [](Op o) { filled(o, o.number(1)); });
  add_translation({"aten::zero"}, [](Op o) { filled(o, 0); });
  // Nothing stands there yet: only its shape can be asked for.
  add_translation({"aten::empty", "aten::empty_like"}, [](Op) {});
  add_translation({"aten::diag_embed"}, diagonal_matrix);
  add_translation({"aten::diagonal"}, diagonal);
  return true;
}();

}  // namespace
}  // namespace elbo
