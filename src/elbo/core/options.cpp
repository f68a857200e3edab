#include "elbo/core/options.h"

#include <cmath>

#include "elbo/core/registry.h"

namespace elbo {
namespace {

/// Digits that a person reads: 1000000, not 1e+06; what has more of them stays a power of ten.
std::string limit_text(double limit) {
  constexpr double kMostDigits = 1e10;
  std::ostringstream out;
  if (limit == std::floor(limit) && std::abs(limit) < kMostDigits) {
    out << static_cast<int64_t>(limit);
  } else {
    out << limit;
  }
  return out.str();
}

}  // namespace

std::string to_string(const Allowed& allowed) {
  std::ostringstream out;
  if (!allowed.words.empty()) {
    out << "one of " << join(allowed.words);
  } else if (std::isfinite(allowed.low) && std::isfinite(allowed.high)) {
    out << limit_text(allowed.low) << " to " << limit_text(allowed.high);
  } else if (std::isfinite(allowed.low)) {
    out << "at least " << limit_text(allowed.low);
  } else if (std::isfinite(allowed.high)) {
    out << "at most " << limit_text(allowed.high);
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
