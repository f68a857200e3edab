#include "elbo/core/registry.h"
#include "elbo/data/schema.h"

namespace elbo {

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

}  // namespace elbo
