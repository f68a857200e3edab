#include "elbo/cli/flags.h"

#include <algorithm>
#include <cmath>

#include "elbo/io/json_text.h"

namespace elbo {
namespace {

/// What an option was called before goes on being read, but is not shown.
bool is_old_name(const OptionHelp& option) { return option.help.starts_with("old name of "); }

}  // namespace

Json flag_value(const std::string& text, const Json& default_value) {
  if (default_value.is_string()) return text;
  if (!default_value.is_number()) {
    // Options of free form: JSON where it parses, else a name.
    bool is_json = false;
    auto parsed = try_parse_json(text, &is_json);
    return is_json ? parsed : Json(text);
  }
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(number)) return text;
  const bool whole = text.find_first_not_of("+-0123456789") == std::string::npos;
  return whole && std::abs(number) < 9e15 ? Json(static_cast<int64_t>(number)) : Json(number);
}

std::shared_ptr<Flags> Flags::add(CLI::App& app, const std::vector<OptionHelp>& options,
                                  const std::string& group,
                                  const std::map<std::string, std::string>& renamed) {
  auto flags = std::make_shared<Flags>();
  for (const auto& option : options) {
    const auto other = renamed.find(option.name);
    auto flag = other == renamed.end() ? option.name : other->second;
    std::replace(flag.begin(), flag.end(), '_', '-');
    flag = (flag.size() == 1 ? "-" : "--") + flag;
    std::string help = option.help;
    const auto allowed = to_string(option.allowed);
    if (!allowed.empty()) help += " (" + allowed + ")";
    Json* given = &flags->given_;
    if (option.value.is_boolean()) {
      // One that is on by default is switched off by --no-NAME.
      if (option.value == true) flag += ",!--no-" + flag.substr(2);
      app.add_flag_function(
             flag, [given, name = option.name](int64_t count) { (*given)[name] = count > 0; }, help)
          ->group(group);
      continue;
    }
    const auto set = [given, name = option.name, value = option.value](const std::string& text) {
      (*given)[name] = flag_value(text, value);
    };
    auto* added = app.add_option_function<std::string>(flag, set, help)
                      ->group(is_old_name(option) ? "" : group);
    added->type_name(option.value.is_number() ? "NUMBER" : "TEXT");
    if (!option.value.is_null() && option.value != "") {
      const auto shown =
          option.value.is_string() ? option.value.get<std::string>() : option.value.dump();
      added->default_str(shown);
    }
  }
  return flags;
}

}  // namespace elbo
