#include "elbo/data/stored_schema.h"

#include <algorithm>
#include <cmath>

namespace elbo {
namespace {

using IsOfType = bool (*)(const Json&);

bool is_text_value(const Json& v) { return v.is_string(); }
bool is_truth_value(const Json& v) { return v.is_boolean(); }
bool is_finite_number(const Json& v) { return v.is_number() && std::isfinite(v.get<double>()); }
bool is_scale_number(const Json& v) { return is_finite_number(v) && v.get<double>() > 0; }
/// Classes without names are a number.
bool is_count(const Json& v) { return v.is_number_integer() && v >= 0 && v <= 1 << 24; }
bool is_column(const Json& v) { return v.is_string() || v.is_object(); }

struct StoredList {
  const char* name;
  IsOfType fits;
  const char* expected;
};
constexpr StoredList kLists[] = {{"columns", is_column, "columns"},
                                 {"classes", is_text_value, "texts"},
                                 {"vocabulary", is_text_value, "texts"},
                                 {"notes", is_text_value, "texts"},
                                 {"changes", is_truth_value, "true or false"},
                                 {"loc", is_finite_number, "finite numbers"},
                                 {"scale", is_scale_number, "numbers above 0"}};

void check_list(const Json& list, const StoredList& entry, const std::string& where) {
  const bool fits = list.is_array() && std::all_of(list.begin(), list.end(), entry.fits);
  check(fits, "[run] ", where, ": detail.", entry.name, ": expected a list of ", entry.expected);
}

void must_be_text(const Json& detail, const char* name, const std::string& where) {
  check(!detail.contains(name) || detail[name].is_string(), "[run] ", where, ": detail.", name,
        ": expected a text");
}

/// Two lists that are read side by side.
void check_lengths(const Json& detail, const char* name, size_t size, const std::string& where) {
  check(!detail.contains(name) || detail[name].size() == size, "[run] ", where, ": detail.", name,
        ": holds ", detail.value(name, Json()).size(), " entries, expected ", size);
}

}  // namespace

Schema stored_schema(const Json& j, const std::string& where) {
  auto schema = schema_from_json(j, where);
  const Json& detail = schema.detail;
  for (const auto& entry : kLists) {
    if (!detail.contains(entry.name)) continue;
    const Json& list = detail[entry.name];
    if (is_count(list) && entry.name == std::string("classes")) continue;
    check_list(list, entry, where);
  }
  for (const char* name : {"binarize", "column"}) must_be_text(detail, name, where);
  if (!schema.shape.empty()) {
    const auto last = static_cast<size_t>(schema.shape.back());
    check_lengths(detail, "columns", last, where);
    check_lengths(detail, "changes", last, where);
  }
  if (detail.contains("loc")) {
    check(detail.contains("scale"), "[run] ", where, ": detail.loc is there without detail.scale");
    for (const char* name : {"loc", "scale"})
      check_lengths(detail, name, static_cast<size_t>(numel(schema.shape)), where);
  }
  return schema;
}

}  // namespace elbo
