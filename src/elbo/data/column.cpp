#include "elbo/data/column.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "elbo/core/registry.h"
#include "elbo/core/text.h"
#include "elbo/data/time_style.h"

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
  size_t length = 0;
  value = 0;
  for (; length < text.size() && text[length] >= '0' && text[length] <= '9'; ++length) {
    if (length == most) return false;
    value = 10 * value + (text[length] - '0');
  }
  if (length == 0) return false;
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
    const auto in_number = [](char c) { return (c >= '0' && c <= '9') || c == '.'; };
    const auto length =
        static_cast<size_t>(std::find_if_not(text.begin(), text.end(), in_number) - text.begin());
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

void spelling_to_json(Json& j, const Spelling& s) {
  if (s.comma) j["comma"] = true;
  if (s.parentheses) j["parentheses"] = true;
  if (s.fixed) j["fixed"] = true;
  if (!s.group.empty()) j["group"] = s.group;
  if (!s.prefix.empty()) j["prefix"] = s.prefix;
  if (!s.suffix.empty()) j["suffix"] = s.suffix;
}

Spelling spelling_from_json(const Json& j) {
  Spelling s;
  s.comma = j.value("comma", false);
  s.parentheses = j.value("parentheses", false);
  s.fixed = j.value("fixed", false);
  s.group = j.value("group", s.group);
  s.prefix = j.value("prefix", s.prefix);
  s.suffix = j.value("suffix", s.suffix);
  return s;
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
    if (c.bound != 0) j["bound"] = c.bound;
    spelling_to_json(j, c.spelling);
    if (!c.absent.empty()) j["absent"] = c.absent;
    if (!c.format.empty()) j["format"] = c.format;
    if (c.order != TimeOrder::kYmd) j["order"] = to_string(c.order);
    if (c.zone != 0) j["zone"] = c.zone;
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
    c.bound = j.value("bound", 0.0);
    c.spelling = spelling_from_json(j);
    c.absent = j.value("absent", c.absent);
    c.format = j.value("format", std::string());
    const auto order = time_order_named(j.value("order", "ymd"));
    check(order.has_value(), "[", where, "] column \"", c.name, "\": order ", j.value("order", ""),
          ", allowed: ymd, dmy, mdy, compact, s, ms, us");
    c.order = *order;
    c.zone = j.value("zone", 0.0);
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

std::vector<std::string> column_names(const Schema& schema) {
  std::vector<std::string> names;
  const auto columns = schema.detail.value("columns", Json::array());
  if (!columns.is_array()) return names;
  for (const auto& column : columns) {
    names.push_back(column.is_object()   ? column.value("name", "")
                    : column.is_string() ? column.get<std::string>()
                                         : "");
  }
  return names;
}

std::vector<Column> columns_of(const Schema& table) {
  const auto list = table.detail.value("columns", Json::array());
  check(list.is_array() && !list.empty(), "[table] columns: the schema names none");
  std::vector<Column> columns;
  for (const auto& j : list) columns.push_back(column_from_json(j, "table"));
  return columns;
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
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

bool is_date(std::string_view text) {
  // Most words have no digit, most numbers nothing else.
  if (text.size() < 6 || text.size() > 64) return false;
  const bool digits = text.find_first_of("0123456789") != std::string_view::npos;
  if (!digits || text.find_first_not_of("0123456789.") == std::string_view::npos) {
    const bool points = digits && std::count(text.begin(), text.end(), '.') == 2;
    if (!points || text.size() < 8) return false;  // 1.2.10 is a version
  }
  return time_orders(text, kSpelled) != 0;
}

bool is_absent_word(std::string_view text) {
  static const std::vector<std::string_view> words = {
      "none",      "<na>",          "#n/a",    "#n/a n/a", "n/a",   "n.a.",    "na",
      "nan",       "nat",           "null",    "(null)",   "nil",   "missing", "-",
      "--",        "---",           ".",       "..",       "?",     "*",       "#",
      "#null!",    "#div/0!",       "#value!", "#ref!",    "#num!", "#name?",  "unknown",
      "undefined", "not available", "blank",   "(blank)",  "empty", "<none>",  "\\n"};
  if (text.size() > 13) return false;
  const auto low = lower_case(std::string(text));
  return low == "\u2013" || low == "\u2014" ||
         std::find(words.begin(), words.end(), low) != words.end();
}

Cells::Cells(Column column) : column_(std::move(column)) {
  const auto& classes = column_.classes;
  for (size_t k = 0; k < classes.size(); ++k) {
    index_.emplace(classes[k], static_cast<int64_t>(k));
  }
  // Codes such as 007 are known by their spelling alone.
  const size_t named = classes.size() - (column_.other ? 1 : 0);
  for (size_t k = 0; k < named; ++k) {
    const auto& name = classes[k];
    const bool code = name.size() > 1 && name[0] == '0' && name[1] >= '0' && name[1] <= '9';
    const auto number = code ? std::nullopt : parse_number(name, false);
    if (number) by_value_.emplace(*number, static_cast<int64_t>(k));
  }
  if (by_value_.size() != named) by_value_.clear();
}

std::optional<float> Cells::read_class(std::string_view text, std::string* problem) const {
  const auto& c = column_;
  const auto at = index_.find(text);
  if (at != index_.end()) return static_cast<float>(at->second);
  if (!by_value_.empty()) {
    const auto number = parse_number(text, false);
    const auto same = number ? by_value_.find(*number) : by_value_.end();
    if (same != by_value_.end()) return static_cast<float>(same->second);
  }
  if (c.other) return static_cast<float>(c.classes.size() - 1);
  constexpr size_t kShown = 8;
  const std::vector<std::string> some(c.classes.begin(),
                                      c.classes.begin() + std::min(kShown, c.classes.size()));
  *problem = "\"" + std::string(text) + "\" is none of its " + std::to_string(c.classes.size()) +
             " known values (" + join(some) + (c.classes.size() > kShown ? ", …)" : ")");
  return {};
}

std::optional<double> Cells::read_number(std::string_view text, std::string* problem) const {
  const auto& c = column_;
  const bool date = c.type == "date";
  const auto quoted = [&] { return "\"" + std::string(text) + "\""; };
  const auto number = date ? parse_time(text, c.order) : parse_number(text, c.spelling);
  const bool bounded = c.type == "positive" || c.type == "count";
  if (!number) {
    *problem = quoted() + " is not a " + (date ? "date" : "number");
  } else if (bounded && *number < 0) {
    *problem = quoted() + " is negative, the column is of type " + c.type;
  } else if (c.type == "count" && *number != std::floor(*number)) {
    *problem = quoted() + " is not a whole number, the column is of type count";
  } else {
    return number;
  }
  return {};
}

std::optional<float> Cells::read(std::string_view text, std::string* problem) const {
  const auto& c = column_;
  try {
    if (!c.numeric()) return read_class(text, problem);
    const auto number = read_number(text, problem);
    if (!number) return {};
    double value = *number - c.origin;
    if (c.bound > 0) value = clamped(value, c.loc - c.bound * c.scale, c.loc + c.bound * c.scale);
    return static_cast<float>(value);
  } catch (const Error& error) {  // beyond the range of numbers
    *problem = error.what();
    return {};
  }
}

float Cells::value(std::string_view text) const {
  std::string problem;
  const auto value = read(text, &problem);
  if (!value) fail(problem);
  return *value;
}

bool Cells::absent(std::string_view text) const {
  const auto& own = column_.absent;
  if (std::find(own.begin(), own.end(), text) != own.end()) return true;
  return column_.numeric() && is_absent_word(text);
}

std::string Cells::true_text(double value) const {
  const auto& c = column_;
  if (!c.numeric()) return text(value);
  if (c.type == "date") return time_text(value + c.origin, c.order, c.format, c.zone);
  return spelled(value + c.origin, c.decimals, c.spelling);
}

std::string Cells::text(double value) const {
  const auto& c = column_;
  if (!c.numeric()) {
    const auto k = static_cast<size_t>(clamped(std::round(value), 0, c.classes.size() - 1.0));
    return c.classes[k];
  }
  return true_text(clamped(value + c.origin, c.low, c.high) - c.origin);
}

}  // namespace elbo
