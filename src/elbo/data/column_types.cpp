#include "elbo/data/column_types.h"

#include <algorithm>
#include <cmath>

#include "elbo/core/registry.h"

namespace elbo {
namespace {

constexpr size_t kMostDistinct = size_t{1} << 16;  // values that are told apart
constexpr size_t kMostFractions = 4096;            // among numbers that are not whole
constexpr size_t kFewDistinct = 20;                // whole numbers this few are grades
constexpr int64_t kRare = 5;                       // a class with fewer rows is not learned
constexpr size_t kFewClasses = 100;                // fewer than this are all kept
constexpr int64_t kFewRows = 20;                   // below this, all different says nothing
constexpr double kSkewed = 2;                      // skewness of an exponential distribution
constexpr double kOffset = 1e4;  // deviations from zero beyond which float32 loses digits

/// Digits after the point of a number as it is spelled.
int64_t decimals_of(std::string_view text) {
  const auto e = text.find_first_of("eE");
  const auto mantissa = text.substr(0, e);
  const auto point = mantissa.find_first_of(".,");
  int64_t digits =
      point == std::string_view::npos ? 0 : static_cast<int64_t>(mantissa.size() - point) - 1;
  if (e != std::string_view::npos) digits -= std::atoll(std::string(text.substr(e + 1)).c_str());
  return std::clamp<int64_t>(digits, 0, kMostDecimals);
}

std::string quoted_list(const std::vector<std::string>& words) { return "(" + join(words) + ")"; }

}  // namespace

void Moments::add(double x) {
  const double n = static_cast<double>(++n_), delta = x - mean_, part = delta / n;
  const double term = delta * part * (n - 1);
  mean_ += part;
  third_ += term * part * (n - 2) - 3 * part * second_;
  second_ += term;
}

double Moments::deviation() const {
  return n_ > 0 ? std::sqrt(second_ / static_cast<double>(n_)) : 0;
}

double Moments::skewness() const {
  return second_ > 0 ? std::sqrt(static_cast<double>(n_)) * third_ / std::pow(second_, 1.5) : 0;
}

void ColumnStatistics::tell_apart(std::string_view text) {
  // Nothing is decided by how often a measurement comes; looking each up takes most of the time.
  const bool measured = numbers_ > 0 && numbers_ == seen_ && whole_ < numbers_;
  if (measured && distinct_.size() >= kMostFractions) {
    many_ = true;
  } else if (const auto at = distinct_.find(text); at != distinct_.end()) {
    ++at->second;
  } else if (!many_) {
    distinct_.emplace(text, 1);
    many_ = distinct_.size() > kMostDistinct;
  }
}

void ColumnStatistics::add(std::string_view text, bool comma, int64_t line) {
  tell_apart(text);
  ++seen_;
  if (const auto number = parse_number(text, comma)) {
    rising_ = rising_ && (numbers_ == 0 || *number == last_ + 1);
    last_ = *number;
    low_ = numbers_ == 0 ? *number : std::min(low_, *number);
    high_ = numbers_ == 0 ? *number : std::max(high_, *number);
    ++numbers_;
    whole_ += *number == std::floor(*number);
    zeros_ += *number == 0;
    plain_.add(*number);
    if (*number > 0) logs_.add(std::log(*number));
    if (*number >= 0) logs1p_.add(std::log1p(*number));
    decimals_ = std::max(decimals_, decimals_of(text));
    comma_ = comma_ || text.find(',') != std::string_view::npos;
    return;
  }
  if (const auto second = parse_date(text)) {
    if (dates_++ == 0) format_ = date_format(text);
    first_second_ = dates_ == 1 ? *second : std::min(first_second_, *second);
    last_second_ = dates_ == 1 ? *second : std::max(last_second_, *second);
    seconds_.add(*second);
  }
  if (first_text_line_ == 0) {
    first_text_ = text;
    first_text_line_ = line;
  }
}

std::string ColumnStatistics::type(std::string* why) const {
  if (seen_ == 0) {
    *why = "all of its cells are missing";
    return "ignore";
  }
  if (distinct_.size() == 1) {
    *why = "constant: every value is \"" + distinct_.begin()->first + "\"";
    return "ignore";
  }
  if (all_numbers() && whole_ == seen_ && rising_ && seen_ >= kFewRows) {
    *why = "a running number";
    return "ignore";
  }
  if (distinct_.size() == 2) return "binary";
  if (all_numbers()) return numeric_type();
  return dates_ == seen_ ? "date" : text_type(why);
}

std::string ColumnStatistics::numeric_type() const {
  if (whole_ == seen_) {
    const bool few = distinct_.size() <= kFewDistinct && high_ - low_ < 2 * kFewDistinct;
    if (few) return "ordinal";
    constexpr double kLargestCount = 1 << 24;
    if (low_ >= 0 && high_ < kLargestCount) return "count";
  }
  return low_ >= 0 && plain_.skewness() > kSkewed && logs_.count() > seen_ / 100 ? "positive"
                                                                                 : "real";
}

std::string ColumnStatistics::text_type(std::string* why) const {
  const bool different = many_ || distinct_.size() > static_cast<size_t>(seen_ / 2);
  check(numbers_ < seen_ * 9 / 10 || !(different || distinct_.size() > kFewClasses), "\"",
        first_text_, "\" (", unit_, " ", first_text_line_, ") is not a number, ", numbers_, " of ",
        seen_, " cells are; --missing \"", first_text_,
        "\" reads it as a missing cell, --types NAME=category takes all as words");
  if (seen_ >= kFewRows && different && distinct_.size() > kFewClasses / 2) {
    *why = "nearly every row has a text of its own (an identifier or free text)";
    return "ignore";
  }
  return "category";
}

Column ColumnStatistics::column(const std::string& name, const std::string& type,
                                int64_t most_classes) const {
  check(seen_ > 0, "all of its cells are missing, it cannot be of type ", type);
  Column column;
  column.name = name;
  column.type = type == "label" ? "category" : type;
  if (type == "ordinal" || type == "category" || type == "binary" || type == "label") {
    set_classes(column, most_classes);
    return column;
  }
  const bool date = type == "date";
  check((date ? dates_ : numbers_) == seen_, "\"", first_text_, "\" (", unit_, " ",
        first_text_line_, ") is not a ", date ? "date" : "number", ", the column is to be of type ",
        type);
  const bool bounded = type == "count" || type == "positive";
  check(!bounded || low_ >= 0, "holds ", low_, ", a column of type ", type, " has none below 0");
  check(type != "count" || whole_ == seen_,
        "holds numbers with decimals, a column of type count has none");
  check(type != "positive" || logs_.count() > 0,
        "all of its values are 0, type positive needs more");
  set_numbers(column);
  return column;
}

void ColumnStatistics::set_classes(Column& column, int64_t most_classes) const {
  std::vector<std::pair<std::string, int64_t>> sorted(distinct_.begin(), distinct_.end());
  check(column.type != "ordinal" || all_numbers() || dates_ == seen_, "\"", first_text_, "\" (",
        unit_, " ", first_text_line_,
        ") has no place in an order; list it as in --types \"NAME=ordinal(low|middle|high)\"");
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::tie(b.second, a.first) < std::tie(a.second, b.first);
  });
  const bool group = column.type == "category" && (many_ || sorted.size() > kFewClasses);
  if (group) {
    size_t kept = 0;
    while (kept < sorted.size() && static_cast<int64_t>(kept) < most_classes &&
           sorted[kept].second >= kRare) {
      ++kept;
    }
    column.other = many_ || kept < sorted.size();
    sorted.resize(kept);
  }
  constexpr size_t kMostGrades = 1000;
  check(column.type != "ordinal" || (!many_ && sorted.size() <= kMostGrades), "has ",
        many_ ? "more than " : "", distinct_.size(), " values, a column of type ordinal at most ",
        kMostGrades);
  for (const auto& [text, count] : sorted) {
    check(text.size() < 1000 && std::all_of(text.begin(), text.end(),
                                            [](unsigned char c) {
                                              return c >= 32 || c == '\t' || c == '\n' || c == '\r';
                                            }),
          "a class of ", text.size(), " bytes, or with control characters");
    column.classes.push_back(text);
  }
  const auto by_value = [comma = comma_](const std::string& a, const std::string& b) {
    const auto x = parse_number(a, comma), y = parse_number(b, comma);
    return x && y ? *x < *y : a < b;
  };
  if (all_numbers()) {
    std::sort(column.classes.begin(), column.classes.end(), by_value);
  } else {
    std::sort(column.classes.begin(), column.classes.end());
  }
  if (column.other) column.classes.push_back("(other)");
  check(column.classes.size() >= 2, "has ", column.classes.size(), " value, type ", column.type,
        " needs two ", quoted_list(column.classes));
}

void ColumnStatistics::set_numbers(Column& c) const {
  const bool date = c.type == "date";
  const auto& raw = date ? seconds_ : plain_;
  const auto& moments = c.type == "positive" ? logs_ : c.type == "count" ? logs1p_ : raw;
  const double deviation = moments.deviation();
  c.low = date ? first_second_ : low_;
  c.high = date ? last_second_ : high_;
  const bool far = c.type == "real" || date;
  if (far && std::abs(raw.mean()) > kOffset * raw.deviation()) c.origin = std::floor(raw.mean());
  if (date) c.origin = std::floor(raw.mean());
  c.loc = moments.mean() - c.origin;
  c.scale = deviation > 1e-7 * std::abs(c.loc) ? deviation : 1;
  c.zeros = static_cast<double>(zeros_) / static_cast<double>(std::max<int64_t>(1, seen_));
  c.decimals = date ? 0 : decimals_;
  c.comma = comma_;
  c.format = date ? format_ : "";
}

std::map<std::string, NamedType> parse_types(const std::string& text,
                                             const std::vector<std::string>& columns) {
  std::map<std::string, NamedType> all;
  size_t from = 0;
  while (from < text.size()) {
    const auto equals = text.find('=', from);
    check(equals != std::string::npos && equals > from, "[types] \"", text.substr(from),
          "\": expected NAME=TYPE, as in age=count,city=category");
    auto end = std::min(text.find(',', equals), text.size());
    const auto open = text.find('(', equals);
    NamedType named;
    if (open < end) {
      const auto close = text.find(')', open);
      check(close != std::string::npos, "[types] \"", text.substr(from), "\": ( without )");
      for (size_t at = open + 1; at <= close;) {
        const auto next = std::min(text.find('|', at), close);
        named.classes.push_back(text.substr(at, next - at));
        at = next + 1;
      }
      end = std::min(text.find(',', close), text.size());
    }
    named.type = text.substr(equals + 1, std::min(open, end) - equals - 1);
    const auto name = text.substr(from, equals - from);
    check(std::find(columns.begin(), columns.end(), name) != columns.end(), "[types] ", name,
          ": no such column; known: ", join(columns));
    const auto& known = column_types();
    check(std::find(known.begin(), known.end(), named.type) != known.end(), "[types] ", name,
          ": unknown type \"", named.type, "\"; known: ", join(known));
    const bool listed = named.type == "ordinal" || named.type == "category" || named.type == "date";
    check(named.classes.empty() || listed, "[types] ", name,
          ": values are listed for ordinal and category, an order for date");
    check(all.emplace(name, named).second, "[types] ", name, ": named twice");
    from = end + 1;
  }
  return all;
}

}  // namespace elbo
