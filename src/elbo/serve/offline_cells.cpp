#include "elbo/serve/offline_cells.h"

#include <limits>

namespace elbo {
namespace {

constexpr auto kDatePattern =
    R"(^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[ T]([01]?\d|2[0-3]):([0-5]?\d))"
    R"((?::([0-5]?\d(?:\.\d*)?|60(?:\.\d*)?|\.\d+))?Z?)?$)";

std::string number_pattern(bool comma) {
  const std::string point = comma ? "[.,]" : "\\.";
  return "^[+-]?(?:\\d+" + point + "?\\d*|" + point + "\\d+)(?:[eE][+-]?\\d+)?$";
}

}  // namespace

Json cell_rules(const Column& c) {
  Json rules{{"name", c.name}};
  if (!c.numeric()) {
    rules["texts"] = c.classes;
    rules["other"] = c.other ? static_cast<int64_t>(c.classes.size()) - 1 : -1;
    return rules;
  }
  constexpr double kFar = std::numeric_limits<float>::max();
  const bool bounded = c.low <= c.high;
  rules.update(
      {{"origin", c.origin}, {"low", bounded ? c.low : -kFar}, {"high", bounded ? c.high : kFar}});
  if (c.type == "date") {
    // The page writes year, month, day and time of day; any other spelling becomes that.
    auto tokens = c.format;
    for (const char* known : {"%Y", "%m", "%d", "%H", "%M", "%S"}) {
      if (const auto at = tokens.find(known); at != std::string::npos) tokens.erase(at, 2);
    }
    const bool plain = c.order == TimeOrder::kYmd && tokens.find('%') == std::string::npos;
    rules.update({{"date", plain ? c.format : "%Y-%m-%d %H:%M:%S"}, {"pattern", kDatePattern}});
    return rules;
  }
  rules.update({{"number",
                 {{"maximumFractionDigits", c.decimals},
                  {"minimumFractionDigits", c.spelling.fixed ? c.decimals : 0},
                  {"useGrouping", false},
                  {"signDisplay", "negative"},
                  {"roundingMode", "halfEven"}}},
                {"point", c.spelling.comma ? "," : "."},
                {"pattern", number_pattern(c.spelling.comma)}});
  if (c.type == "positive" || c.type == "count") rules["least"] = 0;
  if (c.type == "count") rules["whole"] = true;
  return rules;
}

}  // namespace elbo
