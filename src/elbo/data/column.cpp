#include "elbo/data/column.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>
#include <limits>

#include "elbo/core/registry.h"

namespace elbo {
namespace {

constexpr double kDay = 86400;

struct DateParts {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0;
  double second = 0;
  char separator = '-', between = 0;  // between date and time
  bool seconds = false, zulu = false;
};

/// Digits at the front of the text, which they are taken from.
bool take_whole(std::string_view& text, int& value, size_t most) {
  const auto length = std::min(text.find_first_not_of("0123456789"), text.size());
  if (length == 0 || length > most) return false;
  std::from_chars(text.data(), text.data() + length, value);
  text.remove_prefix(length);
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

bool take_time(std::string_view& text, DateParts& d) {
  if (!take_whole(text, d.hour, 2) || !take(text, ':') || !take_whole(text, d.minute, 2)) {
    return false;
  }
  if (take(text, ':')) {
    const auto length = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto end = std::from_chars(text.data(), text.data() + length, d.second).ptr;
    if (length < 1 || end != text.data() + length) return false;
    text.remove_prefix(length);
    d.seconds = true;
  }
  d.zulu = take(text, 'Z');
  return d.hour < 24 && d.minute < 60 && d.second < 61;
}

std::optional<DateParts> date_parts(std::string_view text) {
  DateParts d;
  const size_t length = text.size();
  if (!take_whole(text, d.year, 4) || length - text.size() != 4 || text.empty()) return {};
  d.separator = text.front();
  if (d.separator != '-' && d.separator != '/' && d.separator != '.') return {};
  const bool date = take(text, d.separator) && take_whole(text, d.month, 2) &&
                    take(text, d.separator) && take_whole(text, d.day, 2);
  if (!date) return {};
  if (!text.empty()) {
    d.between = text.front();
    text.remove_prefix(1);
    if ((d.between != ' ' && d.between != 'T') || !take_time(text, d)) return {};
  }
  if (!text.empty()) return {};
  return d;
}

double clamped(double x, double low, double high) {
  return low <= high ? std::min(std::max(x, low), high) : x;
}

std::string number_text(double value, int64_t decimals, bool comma) {
  char digits[400];
  // Trailing zeros go: files rarely pad, and "0.1" reads better than "0.10".
  auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed,
                           static_cast<int>(decimals))
                 .ptr;
  if (decimals > 0) {
    while (end[-1] == '0') --end;
    if (end[-1] == '.') --end;
  }
  std::string text(digits, end);
  if (text == "-0") text = "0";
  if (comma) std::replace(text.begin(), text.end(), '.', ',');
  return text;
}

std::string date_text(double seconds, const std::string& format) {
  const auto whole = static_cast<std::time_t>(std::floor(seconds));
  std::tm parts{};
  gmtime_r(&whole, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, format.c_str(), &parts)};
}

}  // namespace

const std::vector<std::string>& column_types() {
  static const std::vector<std::string> types = {
      "real", "positive", "count", "date", "ordinal", "category", "binary", "label", "ignore"};
  return types;
}

void to_json(Json& j, const Column& c) {
  j = {{"name", c.name}, {"type", c.type}};
  if (c.numeric()) {
    j.update({{"low", c.low},
              {"high", c.high},
              {"loc", c.loc},
              {"scale", c.scale},
              {"zeros", c.zeros},
              {"decimals", c.decimals}});
    if (c.origin != 0) j["origin"] = c.origin;
    if (c.comma) j["comma"] = true;
    if (!c.format.empty()) j["format"] = c.format;
  } else {
    j["classes"] = c.classes;
    if (c.other) j["other"] = true;
  }
}

Column column_from_json(const Json& j, const std::string& where) {
  Column c;
  try {
    c.name = j.at("name").get<std::string>();
    c.type = j.at("type").get<std::string>();
    c.classes = j.value("classes", c.classes);
    c.other = j.value("other", false);
    c.origin = j.value("origin", 0.0);
    c.low = j.value("low", 0.0);
    c.high = j.value("high", 0.0);
    c.loc = j.value("loc", 0.0);
    c.scale = j.value("scale", 1.0);
    c.zeros = j.value("zeros", 0.0);
    c.decimals = j.value("decimals", int64_t{0});
    c.comma = j.value("comma", false);
    c.format = j.value("format", std::string());
  } catch (const Json::exception& e) {
    fail("[", where, "] column ", j.dump(), ": ", e.what());
  }
  const auto& types = column_types();
  const bool known = std::find(types.begin(), types.end() - 2, c.type) != types.end() - 2;
  check(known, "[", where, "] column \"", c.name, "\": type \"", c.type,
        "\"; known: ", join({types.begin(), types.end() - 2}));
  const bool spelled = c.type == "ordinal" || c.type == "category" || c.type == "binary";
  check(spelled == !c.numeric() && (!spelled || c.classes.size() >= 2), "[", where, "] column \"",
        c.name, "\": type ", c.type, " with ", c.classes.size(), " classes");
  check(std::isfinite(c.loc) && std::isfinite(c.scale) && c.scale > 0, "[", where, "] column \"",
        c.name, "\": scale: found ", c.scale, ", must be positive");
  check(c.decimals >= 0 && c.decimals <= kMostDecimals, "[", where, "] column \"", c.name,
        "\": decimals: found ", c.decimals, ", allowed 0 to ", kMostDecimals);
  return c;
}

std::vector<std::string> column_names(const Json& detail) {
  std::vector<std::string> names;
  const auto columns = detail.value("columns", Json::array());
  if (!columns.is_array()) return names;
  for (const auto& column : columns) {
    names.push_back(column.is_object()   ? column.value("name", "")
                    : column.is_string() ? column.get<std::string>()
                                         : "");
  }
  return names;
}

std::vector<Column> columns_of(const Json& detail) {
  const auto list = detail.value("columns", Json::array());
  check(list.is_array() && !list.empty(), "[table] columns: the schema names none");
  std::vector<Column> columns;
  for (const auto& j : list) columns.push_back(column_from_json(j, "table"));
  return columns;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<double> parse_number(std::string_view text, bool comma) {
  if (text.empty()) return {};
  if (text.front() == '+') text.remove_prefix(1);
  const auto first = text.find_first_not_of('-');
  const bool digits =
      first <= 1 && first != std::string_view::npos &&
      (text[first] == '.' || text[first] == ',' || (text[first] >= '0' && text[first] <= '9'));
  if (!digits) return {};  // "inf" and "nan" are numbers to from_chars only
  std::string with_point;
  const auto at = text.find(',');
  if (at != std::string_view::npos) {
    if (!comma || text.find(',', at + 1) != std::string_view::npos) return {};
    with_point = text;
    with_point[at] = '.';
    text = with_point;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return {};
  const bool tiny = error == std::errc::result_out_of_range && text.find('-', 1) != text.npos;
  if (tiny) return 0.0;
  const bool fits = error == std::errc() && std::abs(value) <= std::numeric_limits<float>::max();
  check(fits, "\"", text, "\" is beyond the range of numbers (3.4e38)");
  return value;
}

std::optional<double> parse_date(std::string_view text) {
  using namespace std::chrono;
  const auto d = date_parts(text);
  if (!d) return {};
  const year_month_day date{year{d->year}, month{static_cast<unsigned>(d->month)},
                            day{static_cast<unsigned>(d->day)}};
  if (!date.ok()) return {};
  const auto days = sys_days{date}.time_since_epoch().count();
  return static_cast<double>(days) * kDay + d->hour * 3600 + d->minute * 60 + d->second;
}

std::string date_format(std::string_view text) {
  const auto d = date_parts(text);
  if (!d) return "";
  std::string format = std::string("%Y") + d->separator + "%m" + d->separator + "%d";
  if (d->between == 0) return format;
  format += d->between;
  return format + (d->seconds ? "%H:%M:%S" : "%H:%M") + (d->zulu ? "Z" : "");
}

Cells::Cells(Column column) : column_(std::move(column)) {
  for (size_t k = 0; k < column_.classes.size(); ++k) {
    index_.emplace(column_.classes[k], static_cast<int64_t>(k));
  }
}

float Cells::value(std::string_view text) const {
  const auto& c = column_;
  if (!c.numeric()) {
    const auto at = index_.find(std::string(text));
    if (at != index_.end()) return static_cast<float>(at->second);
    if (c.other) return static_cast<float>(c.classes.size() - 1);
    constexpr size_t kShown = 8;
    const std::vector<std::string> some(c.classes.begin(),
                                        c.classes.begin() + std::min(kShown, c.classes.size()));
    fail("\"", text, "\" is none of its ", c.classes.size(), " known values (", join(some),
         c.classes.size() > kShown ? ", …)" : ")");
  }
  const auto number = c.type == "date" ? parse_date(text) : parse_number(text, c.comma);
  check(number.has_value(), "\"", text, "\" is not a ", c.type == "date" ? "date" : "number");
  const bool negative = *number < 0 && (c.type == "positive" || c.type == "count");
  check(!negative, "\"", text, "\" is negative, the column is of type ", c.type);
  check(c.type != "count" || *number == std::floor(*number), "\"", text,
        "\" is not a whole number, the column is of type count");
  return static_cast<float>(*number - c.origin);
}

std::string Cells::text(double value) const {
  const auto& c = column_;
  if (!c.numeric()) {
    const auto k = static_cast<size_t>(clamped(std::round(value), 0, c.classes.size() - 1.0));
    return c.classes[k];
  }
  const double number = clamped(value + c.origin, c.low, c.high);
  if (c.type == "date") return date_text(std::round(number), c.format);
  return number_text(number, c.decimals, c.comma);
}

}  // namespace elbo
