#include "elbo/data/dataset.h"

#include <limits>

namespace elbo {
namespace {

/// What a message calls a column, a class or a token.
std::string label(const Json& item) {
  if (item.is_string()) return item.get<std::string>();
  if (item.is_object() && item.contains("name")) return label(item["name"]);
  return item.dump();
}

void check_list_fits(const Schema& found, const Schema& expected, const char* key,
                     const std::string& where) {
  if (!found.detail.contains(key) || !expected.detail.contains(key)) return;
  const auto& a = found.detail[key];
  const auto& b = expected.detail[key];
  if (!a.is_array() || !b.is_array()) return;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    check(label(a[i]) == label(b[i]), "[", where, "] ", key, ": number ", i + 1, " is \"",
          label(a[i]), "\", the model was trained on \"", label(b[i]), "\"");
  }
  check(a.size() == b.size(), "[", where, "] ", key, ": found ", a.size(), ", the model knows ",
        b.size());
}

/// f of every part that is there.
template <class F>
Batch each_part(const Batch& batch, const F& f) {
  const auto of = [&](const Tensor& t) { return t.defined() ? f(t) : t; };
  return {of(batch.x), of(batch.mask), of(batch.c), of(batch.y), of(batch.target), of(batch.rows)};
}

}  // namespace

Json to_json(const Schema& schema) {
  if (!schema.present()) return nullptr;
  return {{"shape", schema.shape}, {"kind", schema.kind}, {"detail", schema.detail}};
}

Schema schema_from_json(const Json& j, const std::string& where) {
  static const std::vector<std::string> kinds = {"real",  "unit",     "binary", "byte",
                                                 "count", "category", "token",  "table"};
  if (j.is_null()) return {};
  check(j.is_object(), "[", where, "] schema: expected an object, found ", j.dump());
  for (const auto& [key, value] : j.items()) {
    check(key == "shape" || key == "kind" || key == "detail", "[", where,
          "] schema: unknown key \"", key, "\"; known: detail, kind, shape");
  }
  Schema schema;
  const auto kind = j.value("kind", Json());
  const auto named = kind.is_string() ? kind.get<std::string>() : "";
  check(std::find(kinds.begin(), kinds.end(), named) != kinds.end(), "[", where, "] schema: kind ",
        kind.dump(), "; known: ", join(kinds));
  schema.kind = named;
  const auto shape = j.value("shape", Json());
  check(shape.is_array(), "[", where, "] schema: shape is not a list");
  int64_t elements = 1;
  for (const auto& size : shape) {
    check(size.is_number_integer() && size >= 1 && size <= int64_t{1} << 40, "[", where,
          "] schema: ", size.dump(), " is not a size");
    schema.shape.push_back(size.get<int64_t>());
    check(!__builtin_mul_overflow(elements, schema.shape.back(), &elements), "[", where,
          "] schema: shape ", shape.dump(), " is too large");
  }
  schema.detail = j.value("detail", Json::object());
  check(schema.detail.is_object(), "[", where, "] schema: detail is not an object");
  return schema;
}

void check_fits(const Schema& found, const Schema& expected, const std::string& where) {
  if (!expected.present() && !found.present()) return;
  check(found.present(), "[", where, "] nothing found where the model expects ", expected.kind,
        " data of shape ", to_string(expected.shape));
  check(expected.present(), "[", where, "] found ", found.kind, " data of shape ",
        to_string(found.shape), " where the model knows none");
  check_list_fits(found, expected, "columns", where);
  check(
      found.kind == expected.kind, "[", where, "] found ", found.kind,
      " data, the model was trained on ", expected.kind,
      found.kind == "byte" && expected.kind == "binary" ? " (binarize=dynamic makes them so)" : "");
  check(found.shape == expected.shape, "[", where, "] found shape ", to_string(found.shape),
        ", the model was trained on ", to_string(expected.shape));
  check_list_fits(found, expected, "classes", where);
  check_list_fits(found, expected, "vocabulary", where);
}

Tensor observed(const Batch& batch) {
  if (!batch.mask.defined()) return batch.x;
  return batch.x.masked_fill(batch.mask == 0, std::numeric_limits<float>::quiet_NaN());
}

Batch slice(const Batch& batch, int64_t from, int64_t to) {
  return each_part(batch, [&](const Tensor& t) { return t.slice(0, from, to); });
}

Batch pick(const Batch& batch, const Tensor& rows) {
  return each_part(batch, [&](const Tensor& t) { return t.index_select(0, rows); });
}

void for_each_batch(const Dataset& data, int64_t block, const Draw& draw,
                    const std::function<void(const Batch&, int64_t)>& f) {
  check(block > 0, "[data] block: ", block, " rows, at least 1");
  for (int64_t first = 0; first < data.size(); first += block) {
    const auto rows = torch::arange(first, std::min(first + block, data.size()), torch::kInt64);
    f(data.get(rows, draw), first);
  }
}

}  // namespace elbo
