#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "elbo/core/options.h"

namespace elbo {

/// What JSON from outside may be: copies and messages of deeper values would exhaust the stack, and
/// a value takes tens of times the memory of its text.
struct JsonLimits {
  int depth = 64;
  size_t bytes = size_t{1} << 28;
  size_t values = size_t{1} << 24;
};

/// The one place that parses JSON of files, requests and command lines. Raises an Error that begins
/// with `where` ("[run] spec.json") where the text is not JSON or goes beyond a limit.
Json parse_json(std::string_view text, const std::string& where, const JsonLimits& limits = {});
/// The same, null where the text is not JSON or goes beyond a limit; `found` receives whether it
/// is.
Json try_parse_json(std::string_view text, bool* found = nullptr, const JsonLimits& limits = {});
/// Keys in the order of the text; the same key twice in the outermost object is an Error.
nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& where,
                                          const JsonLimits& limits);

}  // namespace elbo
