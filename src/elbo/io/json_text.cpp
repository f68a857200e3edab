#include "elbo/io/json_text.h"

#include <set>

namespace elbo {
namespace {

/// Counts brackets and commas outside of strings before anything is built: what is wrong with the
/// limits of a text; empty where nothing is.
std::string beyond(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return "more than " + std::to_string(limits.bytes) + " bytes of JSON";
  }
  int depth = 0;
  size_t values = 1;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '[' || c == '{') {
      if (++depth > limits.depth) {
        return "JSON nested more than " + std::to_string(limits.depth) + " deep";
      }
      ++values;
    }
    if (c == ']' || c == '}') --depth;
    if (c == ',' && ++values > limits.values) break;
  }
  return values > limits.values ? "more than " + std::to_string(limits.values) + " JSON values"
                                : "";
}

/// What the parser says quotes the text, however long a piece of it is.
std::string shortened(const std::string& message) {
  constexpr size_t kMost = 200;
  return message.size() <= kMost ? message : message.substr(0, kMost) + "…";
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where, const JsonLimits& limits) {
  const auto wrong = beyond(text, limits);
  check(wrong.empty(), where, ": ", wrong);
  try {
    return Json::parse(text);
  } catch (const Json::exception& e) {
    fail(where, ": not valid JSON: ", shortened(e.what()));
  }
}

Json try_parse_json(std::string_view text, bool* found, const JsonLimits& limits) {
  auto parsed = beyond(text, limits).empty() ? Json::parse(text, nullptr, false)
                                             : Json(Json::value_t::discarded);
  if (found) *found = !parsed.is_discarded();
  return parsed.is_discarded() ? Json() : parsed;
}

nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& where,
                                          const JsonLimits& limits) {
  using Ordered = nlohmann::ordered_json;
  const auto wrong = beyond(text, limits);
  check(wrong.empty(), where, ": ", wrong);
  std::set<std::string> seen;
  const auto watch = [&](int depth, Ordered::parse_event_t event, Ordered& value) {
    if (depth != 1 || event != Ordered::parse_event_t::key) return true;
    check(seen.insert(value.get<std::string>()).second, where, ": ", shortened(value.dump()),
          " is there twice");
    return true;
  };
  try {
    return Ordered::parse(text, watch);
  } catch (const Ordered::exception& e) {
    fail(where, ": not valid JSON: ", shortened(e.what()));
  }
}

}  // namespace elbo
