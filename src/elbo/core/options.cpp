#include "elbo/core/options.h"

#include "elbo/core/registry.h"

namespace elbo {

std::string to_string(const Allowed& allowed) {
  std::ostringstream out;
  if (!allowed.words.empty()) {
    out << "one of " << join(allowed.words);
  } else if (std::isfinite(allowed.low) && std::isfinite(allowed.high)) {
    out << allowed.low << " to " << allowed.high;
  } else if (std::isfinite(allowed.low)) {
    out << "at least " << allowed.low;
  } else if (std::isfinite(allowed.high)) {
    out << "at most " << allowed.high;
  }
  return out.str();
}

void check_allowed(const Json& value, const Allowed& allowed, const std::string& where,
                   const std::string& name) {
  bool ok = true;
  if (value.is_number()) {
    const double v = value.get<double>();
    ok = v >= allowed.low && v <= allowed.high;
  } else if (value.is_string() && !allowed.words.empty()) {
    ok = std::find(allowed.words.begin(), allowed.words.end(), value.get<std::string>()) !=
         allowed.words.end();
  }
  const auto guess = value.is_string() ? did_you_mean(value.get<std::string>(), allowed.words) : "";
  check(ok, "[", where, "] ", name, ": ", value.dump(), " is not allowed, ", to_string(allowed),
        guess);
}

void unknown_option(const std::string& where, const std::string& name,
                    const std::vector<OptionHelp>& known) {
  std::vector<std::string> names;
  for (const auto& option : known) names.push_back(option.name);
  fail("[", where, "] unknown option \"", name, "\"", known_words(name, names));
}

}  // namespace elbo
