#include "elbo/core/registry.h"
#include "elbo/data/schema.h"

namespace elbo {
namespace {

/// The texts of a list, if there is one: what else somebody has written there has its own checks.
std::vector<std::string> texts_at(const Json& detail, const char* key) {
  const auto list = detail.value(key, Json::array());
  std::vector<std::string> texts;
  for (const auto& item : list) {
    if (list.is_array() && item.is_string()) texts.push_back(item.get<std::string>());
  }
  return texts;
}

}  // namespace

Json to_json(const Schema& schema) {
  if (!schema.present()) return nullptr;
  return {{"shape", schema.shape}, {"kind", schema.kind}, {"detail", schema.detail}};
}

Schema schema_from_json(const Json& j, const std::string& where) {
  if (j.is_null()) return {};
  check(j.is_object(), "[", where, "] schema: expected an object, found ", j.dump());
  for (const auto& [key, value] : j.items()) {
    check(key == "shape" || key == "kind" || key == "detail", "[", where,
          "] schema: unknown key \"", key, "\"; known: detail, kind, shape");
  }
  Schema schema;
  const auto kind = j.value("kind", Json());
  const auto known = kind.is_string() ? kind_named(kind.get<std::string>()) : std::nullopt;
  check(known.has_value(), "[", where, "] schema: kind ", kind.dump(),
        "; known: ", join(kind_names()));
  schema.kind = *known;
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

std::optional<Units> Schema::units() const {
  if (!detail.contains("loc")) return std::nullopt;
  const auto read = [&](const char* key) {
    return torch::tensor(detail.at(key).get<std::vector<float>>()).view(with_rows(1, shape));
  };
  return Units{read("loc"), read("scale")};
}

Tensor Schema::origin() const {
  const auto list = detail.value("origin", Json());
  if (!list.is_array()) return Tensor();
  const auto values = list.get<std::vector<double>>();
  check(static_cast<int64_t>(values.size()) == numel(shape), "[schema] origin: ", values.size(),
        " numbers, a row has ", numel(shape));
  return torch::tensor(values, torch::kFloat64).view(with_rows(1, shape));
}

bool Schema::missing() const { return detail.value("missing", false); }

std::vector<std::string> Schema::vocabulary() const { return texts_at(detail, "vocabulary"); }

std::vector<std::string> Schema::notes() const { return texts_at(detail, "notes"); }

}  // namespace elbo
