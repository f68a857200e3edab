#pragma once

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/core/error.h"
#include "elbo/core/schedule.h"

namespace ELBO_API elbo {

using Json = nlohmann::json;

/// What an option may be: a closed interval for numbers, or a list of words.
struct Allowed {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  std::vector<std::string> words;
};
inline Allowed between(double low, double high) { return {low, high, {}}; }
inline Allowed at_least(double low) { return {low, std::numeric_limits<double>::infinity(), {}}; }
inline Allowed one_of(std::vector<std::string> words) {
  Allowed a;
  a.words = std::move(words);
  return a;
}
std::string to_string(const Allowed& allowed);

/// One option as lists, docs, flags and web forms show it.
struct OptionHelp {
  std::string name, help;
  Json value;  // the default
  Allowed allowed;
};

/// Raises an Error where value lies outside allowed.
void check_allowed(const Json& value, const Allowed& allowed, const std::string& where,
                   const std::string& name);
/// Raises an Error that names the known options.
[[noreturn]] void unknown_option(const std::string& where, const std::string& name,
                                 const std::vector<OptionHelp>& known);
/// Reads JSON into a field; the message of a wrong type names the option.
template <class T>
void read_field(const Json& value, T& field, const std::string& where, const std::string& name) {
  try {
    if constexpr (std::is_same_v<T, int64_t>) {
      // 1e5 is a whole number to a person, a float to the parser.
      const double number = value.get<double>();
      check(number == std::floor(number) && std::abs(number) < 9e15, "[", where, "] ", name, ": ",
            value.dump(), " is not a whole number");
    }
    field = value.get<T>();
  } catch (const Json::exception&) {
    fail("[", where, "] ", name, ": found ", value.dump(), ", expected ",
         Json(field).is_null() ? "a value" : Json(field).type_name(), " such as ",
         Json(field).dump());
  }
}

/// Options declare themselves once in `fields(f)`: f(name, member, help[, allowed]).
/// The visitors below derive everything else from that.
template <class Options>
std::vector<OptionHelp> describe(Options options = {}) {
  std::vector<OptionHelp> list;
  options.fields([&](const char* name, auto& field, const char* help, Allowed allowed = {}) {
    list.push_back({name, help, Json(field), std::move(allowed)});
  });
  return list;
}

template <class Options>
Json write_options(Options options) {
  Json j = Json::object();
  options.fields(
      [&](const char* name, auto& field, const char*, Allowed = {}) { j[name] = field; });
  return j;
}

/// Unknown keys, wrong types and values out of range raise an Error naming `where`.
/// A key "type" is the part's own name and is skipped.
template <class Options>
Options read_options(const Json& j, const std::string& where) {
  Options options;
  check(j.is_object() || j.is_null(), "[", where, "] options must be an object, found ", j.dump());
  for (const auto& item : j.items()) {
    const std::string& key = item.key();
    const Json& value = item.value();
    bool known = key == "type";
    options.fields([&](const char* name, auto& field, const char*, Allowed allowed = {}) {
      if (key != name) return;
      known = true;
      read_field(value, field, where, name);
      check_allowed(value, allowed, where, name);
    });
    if (!known) unknown_option(where, key, describe<Options>());
  }
  return options;
}

struct NoOptions {
  template <class F>
  void fields(F&&) {}
};

}  // namespace elbo
