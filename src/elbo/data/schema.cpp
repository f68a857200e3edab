#include "elbo/data/schema.h"

#include <algorithm>
#include <ostream>

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

}  // namespace

const std::vector<std::string>& kind_names() {
  static const std::vector<std::string> names = {"real",  "unit",     "binary", "byte",
                                                 "count", "category", "token",  "table"};
  return names;
}

const std::string& to_string(Kind kind) {
  static const std::string none;
  return kind == Kind::kNone ? none : kind_names()[static_cast<size_t>(kind) - 1];
}

std::optional<Kind> kind_named(const std::string& name) {
  const auto& names = kind_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Kind>(found - names.begin() + 1);
}

std::ostream& operator<<(std::ostream& out, Kind kind) { return out << to_string(kind); }
void to_json(Json& j, Kind kind) { j = to_string(kind); }

bool is_numeric(Kind kind) {
  return kind == Kind::kReal || kind == Kind::kCount || is_bounded(kind);
}
bool is_bounded(Kind kind) {
  return kind == Kind::kUnit || kind == Kind::kBinary || kind == Kind::kByte;
}
bool is_discrete(Kind kind) {
  return kind == Kind::kBinary || kind == Kind::kByte || kind == Kind::kCount ||
         kind == Kind::kCategory;
}

void check_fits(const Schema& found, const Schema& expected, const std::string& where) {
  if (!expected.present() && !found.present()) return;
  check(found.present(), "[", where, "] nothing found where the model expects ", expected.kind,
        " data of shape ", to_string(expected.shape));
  check(expected.present(), "[", where, "] found ", found.kind, " data of shape ",
        to_string(found.shape), " where the model knows none");
  check_list_fits(found, expected, "columns", where);
  check(found.kind == expected.kind, "[", where, "] found ", found.kind,
        " data, the model was trained on ", expected.kind,
        found.kind == Kind::kByte && expected.kind == Kind::kBinary
            ? " (binarize=dynamic makes them so)"
            : "");
  check(found.shape == expected.shape, "[", where, "] found shape ", to_string(found.shape),
        ", the model was trained on ", to_string(expected.shape));
  check_list_fits(found, expected, "classes", where);
  check_list_fits(found, expected, "vocabulary", where);
}

std::vector<std::string> class_names(const Schema& schema) {
  const auto classes = schema.detail.value("classes", Json());
  std::vector<std::string> names;
  for (int64_t k = 0; k < class_count(schema); ++k) {
    const bool named = classes.is_array() && classes[static_cast<size_t>(k)].is_string();
    names.push_back(named ? classes[static_cast<size_t>(k)].get<std::string>() : std::to_string(k));
  }
  return names;
}

int64_t class_count(const Schema& schema) {
  const auto classes = schema.detail.value("classes", Json());
  return classes.is_number() ? classes.get<int64_t>() : static_cast<int64_t>(classes.size());
}

}  // namespace elbo
