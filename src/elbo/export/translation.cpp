#include "elbo/export/translation.h"

#include <algorithm>
#include <unordered_set>

#include "elbo/core/registry.h"

namespace elbo {
namespace {

std::map<std::string, Translate>& translations() {
  static std::map<std::string, Translate> all;
  return all;
}

constexpr char kTranslationWhere[] = "[export] ";
constexpr char kRows[] = "rows";

/// Names that a person reads in the file.
std::vector<std::string> size_names(const Counts& shape) {
  std::vector<std::string> names;
  for (const auto& size : shape) {
    if (size.each == 0) {
      names.push_back(std::to_string(size.fixed));
    } else {
      names.push_back(size == Count{1, 0} ? kRows
                                          : kRows + std::string("_x") + std::to_string(size.each) +
                                                (size.fixed == 0 ? "" : "_and_more"));
    }
  }
  return names;
}

}  // namespace

Count count_of(int64_t few, int64_t many) {
  const int64_t each = (many - few) / (kManyRows - kFewRows), fixed = few - each * kFewRows;
  // Two points tell no square from a line; a square's line is below 0 where there is one row.
  const bool linear =
      (many - few) % (kManyRows - kFewRows) == 0 && (each <= 0 || each + fixed >= 0);
  check(linear, kTranslationWhere, "a size is ", few, " for ", kFewRows, " rows and ", many,
        " for ", kManyRows, ": not linear");
  return {each, fixed};
}

void Traced::measure(const Tensor& few, const Tensor& many) {
  type = few.scalar_type();
  shape.clear();
  for (int64_t d = 0; d < few.dim(); ++d) shape.push_back(count_of(few.size(d), many.size(d)));
}

torch::ScalarType exported(torch::ScalarType type) {
  return type == torch::kFloat64 ? torch::kFloat32 : type;
}

bool add_translation(const std::vector<std::string>& names, const Translate& translate) {
  for (const auto& name : names) translations()[name] = translate;
  return true;
}

const Translate* find_translation(const std::string& name) {
  const auto found = translations().find(name);
  return found == translations().end() ? nullptr : &found->second;
}

std::string Translation::emit(const std::string& op, std::vector<std::string> inputs,
                              OnnxAttributes attributes) {
  return emit_many(op, std::move(inputs), 1, std::move(attributes)).front();
}

std::vector<std::string> Translation::emit_many(const std::string& op,
                                                std::vector<std::string> inputs, size_t outputs,
                                                OnnxAttributes attributes) {
  std::vector<std::string> names(outputs);
  for (auto& name : names) name = fresh();
  graph.nodes.push_back({op, std::move(inputs), names, std::move(attributes)});
  return names;
}

std::string Translation::constant(const Tensor& value) {
  const auto t = value.detach().to(exported(value.scalar_type())).contiguous();
  constexpr int64_t kSmall = 64;
  std::string bytes;
  if (t.numel() <= kSmall) {
    bytes = std::to_string(onnx_type(exported(t.scalar_type()))) + ":" +
            to_string(t.sizes().vec()) + ":" + std::to_string(t.dim()) + ":" +
            std::string(static_cast<const char*>(t.data_ptr()), t.nbytes());
    const auto known = small_.find(bytes);
    if (known != small_.end()) return known->second;
  }
  const auto name = fresh();
  graph.constants.emplace_back(name, t.clone());
  if (!bytes.empty()) small_[bytes] = name;
  return name;
}

std::string Translation::wholes(const std::vector<int64_t>& values) {
  return constant(torch::tensor(values, torch::kInt64));
}

std::string Translation::count(const Count& value) {
  if (value.each == 0) return whole(value.fixed);
  std::string n = kRows;
  if (value.each != 1) n = emit("Mul", {n, whole(value.each)});
  return value.fixed == 0 ? n : emit("Add", {n, whole(value.fixed)});
}

std::string Translation::counts(const Counts& values) {
  std::vector<int64_t> fixed;
  for (const auto& value : values) {
    if (value.each == 0) fixed.push_back(value.fixed);
  }
  if (fixed.size() == values.size()) return wholes(fixed);
  std::vector<std::string> parts;
  for (const auto& value : values) {
    parts.push_back(value.each == 0 ? wholes({value.fixed})
                                    : emit("Unsqueeze", {count(value), wholes({0})}));
  }
  return parts.size() == 1 ? parts[0] : emit("Concat", parts, {{"axis", int64_t{0}}});
}

std::string Translation::reshape(const std::string& x, const Counts& shape) {
  std::vector<int64_t> sizes;
  int64_t following = 0;
  bool empty = false;
  for (const auto& size : shape) {
    sizes.push_back(size.each == 0 ? size.fixed : -1);
    following += size.each != 0;
    empty = empty || sizes.back() == 0;
  }
  const bool simple = following <= 1 && !empty;
  return emit("Reshape", {x, simple ? wholes(sizes) : counts(shape)});
}

std::string Translation::cast(const std::string& x, torch::ScalarType type) {
  return emit("Cast", {x}, {{"to", onnx_type(exported(type))}});
}

namespace {

/// A tensor seen with every axis that follows the number of rows cut into one that is that number
/// and one that is not.
struct Cut {
  Counts shape, cut;           // as it is, and with those axes in two
  std::vector<int64_t> whole;  // the axes of `cut` that are the number of rows
};

/// rows_first: an axis of 3 rows is [rows, 3], else [3, rows].
Cut cut_rows(const Tensor& few, const Tensor& many, bool rows_first) {
  Cut found;
  for (int64_t d = 0; d < few.dim(); ++d) {
    const auto size = count_of(few.size(d), many.size(d));
    found.shape.push_back(size);
    const bool splits = size.each > 1 && size.fixed == 0;
    if (splits && !rows_first) found.cut.push_back({0, size.each});
    if (size.each != 0) found.whole.push_back(static_cast<int64_t>(found.cut.size()));
    found.cut.push_back(splits ? Count{1, 0} : size);
    if (splits && rows_first) found.cut.push_back({0, size.each});
  }
  return found;
}

/// Equal but for the last bits: products of several rows round by their place.
bool same_numbers(const Tensor& a, const Tensor& b) {
  if (!torch::isFloatingType(a.scalar_type()) || a.equal(b)) return a.equal(b);
  constexpr double kRounding = 1e-5;
  return (a - b).abs().max().item<double>() <= kRounding * a.abs().max().item<double>();
}

/// What stands in every row alike, or an undefined tensor: [.., 1, ..].
Tensor alike(const Tensor& t, const Cut& cut, int64_t rows) {
  Shape sizes;
  for (const auto& size : cut.cut) sizes.push_back(size.each * rows + size.fixed);
  const auto wide = t.reshape(sizes);
  auto one = wide;
  for (const int64_t axis : cut.whole) one = one.narrow(axis, 0, 1);
  return same_numbers(one.expand_as(wide), wide) ? one.contiguous() : Tensor();
}

}  // namespace

/// A tensor that no input reaches and whose shape or values follow the number of rows.
std::string Translation::following(const Tensor& few, const Tensor& many) {
  for (const bool rows_first : {false, true}) {
    const auto cut = cut_rows(few, many, rows_first);
    const auto one = alike(few, cut, kFewRows), other = alike(many, cut, kManyRows);
    if (!one.defined() || !other.defined() || !same_numbers(one, other)) continue;
    const auto wide = emit("Expand", {constant(one), counts(cut.cut)});
    return cut.cut == cut.shape ? wide : reshape(wide, cut.shape);
  }
  // 0, step, 2 step, …
  if (few.dim() == 1 && few.size(0) > 1) {
    const auto start = few[0], step = few[1] - few[0];
    const auto ramp = [&](const Tensor& t) {
      return (start + step * torch::arange(t.size(0), t.options())).equal(t);
    };
    if (ramp(few) && ramp(many)) {
      const auto n =
          emit("Range", {whole(0), count(count_of(few.size(0), many.size(0))), whole(1)});
      return emit("Add",
                  {emit("Mul", {cast(n, few.scalar_type()), constant(step)}), constant(start)});
    }
  }
  fail(kTranslationWhere, "a constant of shape ", to_string(few.sizes().vec()),
       " follows the number of rows in a way that is not understood");
}

const std::string& Translation::named(Traced& value) {
  if (!value.name.empty()) return value.name;
  check(value.known, kTranslationWhere, "memory is written in a way that a record does not show");
  const auto& few = value.few;
  if (few.isTensor()) {
    const auto a = few.toTensor(), b = value.many.toTensor();
    value.name = a.sizes().equals(b.sizes()) && same_numbers(a, b) ? constant(a) : following(a, b);
  } else if (few.isInt()) {
    value.name = count(count_of(few.toInt(), value.many.toInt()));
  } else if (few.isDouble() && few.toDouble() == value.many.toDouble()) {
    value.name = number(few.toDouble());
  } else if (few.isBool()) {
    value.name = constant(torch::full({}, few.toBool(), torch::kBool));
  } else {
    fail(kTranslationWhere, "a value of type ", few.tagKind(), " where a tensor was expected");
  }
  return value.name;
}

std::string Translation::input(const std::string& name, torch::ScalarType type,
                               const Counts& shape) {
  graph.inputs.push_back({name, exported(type), size_names(shape)});
  for (size_t d = 0; d < shape.size() && rows_source_.empty(); ++d) {
    if (!(shape[d] == Count{1, 0})) continue;
    rows_source_ = name;
    rows_axis_ = static_cast<int64_t>(d);
  }
  return name;
}

std::string Translation::noise(const std::string& kind, const Counts& shape) {
  return input(kind + "_" + std::to_string(draw), torch::kFloat32, shape);
}

void Translation::drop_unused() {
  std::unordered_set<std::string> used;
  for (const auto& output : graph.outputs) used.insert(output.name);
  std::vector<OnnxNode> kept;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const auto asked = [&](const std::string& name) { return used.count(name) > 0; };
    if (std::none_of(node->outputs.begin(), node->outputs.end(), asked)) continue;
    used.insert(node->inputs.begin(), node->inputs.end());
    kept.push_back(std::move(*node));
  }
  graph.nodes.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
  std::erase_if(graph.constants, [&](const auto& item) { return used.count(item.first) == 0; });
}

OnnxGraph Translation::finish(const std::vector<std::pair<std::string, Traced*>>& outputs) {
  for (const auto& [name, value] : outputs) {
    graph.nodes.push_back({"Identity", {named(*value)}, {name}, {}});
    graph.outputs.push_back({name, exported(value->type), size_names(value->shape)});
  }
  if (!rows_source_.empty()) {
    graph.constants.emplace_back("rows_axis", torch::full({}, rows_axis_, torch::kInt64));
    graph.nodes.insert(graph.nodes.begin(), {{"Shape", {rows_source_}, {"rows_shape"}, {}},
                                             {"Gather", {"rows_shape", "rows_axis"}, {kRows}, {}}});
  }
  drop_unused();
  return std::move(graph);
}

}  // namespace elbo
