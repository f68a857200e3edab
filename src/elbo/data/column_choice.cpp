#include <algorithm>
#include <cctype>
#include <cmath>

#include "elbo/core/registry.h"
#include "elbo/core/text.h"
#include "elbo/data/column_types.h"

namespace elbo {
namespace {

constexpr size_t kFewDistinct = 20;  // whole numbers this few are grades
constexpr int64_t kRare = 5;         // a class with fewer rows is not learned
constexpr size_t kFewClasses = 100;  // fewer than this are all kept
constexpr int64_t kFewestRows = 20;  // below this, all different says nothing
constexpr double kSkewed = 2;        // skewness of an exponential distribution
constexpr double kOffset = 1e4;      // deviations from zero beyond which float32 loses digits
constexpr double kFloatUnit = 6e-8;  // of float32, at 1
constexpr double kFarthest = 1e4;    // scales from the middle at which networks stay finite
constexpr double kExact = 9007199254740992;  // whole numbers below are exact in double
constexpr size_t kLongCode = 16;             // digits that double cannot hold

std::string quoted_list(const std::vector<std::string>& words) { return "(" + join(words) + ")"; }

/// Names that data frames give to the numbers of their rows; "" where a header has none.
bool is_index_name(const std::string& name) {
  static const std::vector<std::string> names = {"",         "unnamed: 0", "index",  "level_0",
                                                 "rownames", "row",        "rownum", "row_number",
                                                 "...1",     "x.1"};
  return std::find(names.begin(), names.end(), lower_case(name)) != names.end();
}

/// "id", "user_id", "UserID", "customer no", "order-number", "key".
bool is_identifier_name(const std::string& name) {
  if (name.ends_with("Id") || name.ends_with("ID")) return true;
  const auto low = lower_case(name);
  const auto at = low.find_last_of(" _-.");
  const auto last = at == std::string::npos ? low : low.substr(at + 1);
  return last == "id" || last == "uuid" || last == "guid" || last == "key" || last == "identifier";
}

/// Less its mean, a column is small enough to be exact.
bool whole_part_helps(const Moments& raw) { return std::abs(raw.mean()) > raw.deviation(); }

}  // namespace

std::map<double, std::vector<std::pair<std::string, int64_t>>> ColumnStatistics::by_value() const {
  std::map<double, std::vector<std::pair<std::string, int64_t>>> values;
  for (const auto& [text, count] : distinct_) {
    const auto number = decided_ ? parse_number(text, spelling_) : parse_number(text, comma_);
    if (number) values[*number].emplace_back(text, count);
  }
  return values;
}

bool ColumnStatistics::coded() const {
  if (!all_numbers() || decided_ || low_ < 0) return false;
  if (whole_ == seen_ && longest_ >= kLongCode && exponents_ == 0) return true;
  const bool exponents = bare_exponents_ > 0 && bare_exponents_ == exponents_ && whole_ == seen_ &&
                         shortest_ == longest_;
  if (led_by_zero_ == 0) return exponents;
  // 01 beside 1 is one number in two spellings.
  for (const auto& [number, spellings] : by_value()) {
    if (spellings.size() > 1) return false;
  }
  return true;
}

/// How many different values there are; spellings of one number count once.
size_t ColumnStatistics::values() const {
  constexpr size_t kFew = 4096;
  const bool numbers = all_numbers() && !many_ && distinct_.size() <= kFew && !coded();
  return numbers ? by_value().size() : distinct_.size();
}

bool ColumnStatistics::all_different() const {
  return different_ && (many_ || static_cast<int64_t>(distinct_.size()) == seen_);
}

/// Whole numbers that tell rows apart and nothing else.
bool ColumnStatistics::identifies(const std::string& name, std::string* why) const {
  if (whole_ != seen_ || seen_ < kFewestRows) return false;
  const bool exact = high_ < kExact && low_ > -kExact;
  if (rising_ && exact) {
    *why = "a running number";
  } else if (!all_different()) {
    return false;
  } else if (exact && high_ - low_ + 1 == static_cast<double>(seen_)) {
    *why = "a running number, in another order";
  } else if (is_index_name(name)) {
    *why = "numbers of rows (all different, in a column called \"" + name + "\")";
  } else if (is_identifier_name(name)) {
    *why = "an identifier (whole numbers, all different, by its name)";
  } else if (constexpr size_t kLong = 9;
             shortest_ == longest_ && longest_ >= kLong && exponents_ == 0 && !ascending_) {
    *why = "an identifier (numbers of " + std::to_string(longest_) + " digits, all different)";
  } else {
    return false;
  }
  return true;
}

/// Unix time in a column that is called so, or dates as numbers (20211027), which few others are.
bool ColumnStatistics::numbers_tell_time(const std::string& name) const {
  const auto compact = 1U << unsigned(TimeOrder::kCompact);
  if (!all_numbers() || decided_ || orders_ == 0 || exponents_ > 0 || decimals_ > 0) return false;
  return names_time(name) || (orders_ == compact && distinct_.size() >= kFewDistinct);
}

/// How the column's times are read. Raises an Error where nothing decides between two ways.
std::optional<TimeOrder> ColumnStatistics::time_order(const std::string& given) const {
  if (!given.empty()) {
    const auto order = time_order_named(given);
    check(order.has_value(), "unknown order of dates \"", given,
          "\"; known: ymd, dmy, mdy, compact, s, ms, us");
    check((orders_ >> unsigned(*order) & 1U) != 0, "not all cells are ", spoken_order(*order),
          first_text_.empty() ? "" : ", e.g. \"" + first_text_ + "\"");
    return order;
  }
  for (unsigned k = 0; k < kTimeOrders; ++k) {
    if ((orders_ >> k & 1U) == 0) continue;
    const auto order = static_cast<TimeOrder>(k);
    const auto mdy = TimeOrder::kMdy;
    const bool either = order == TimeOrder::kDmy && (orders_ >> unsigned(mdy) & 1U) != 0;
    if (!either || !day_is_not_month_) return order;
    const auto day_first = times_[k].back, month_first = times_[unsigned(mdy)].back;
    // Of two orders the one in which time always goes on; points stand between day, month and year.
    if ((day_first == 0) != (month_first == 0)) return day_first == 0 ? order : mdy;
    if (first_text_.find('.') < 3) return order;
    fail("\"", first_text_,
         "\" may begin with the day or the month; say --types \"NAME=date(dmy)\" or "
         "\"NAME=date(mdy)\"");
  }
  return {};
}

std::string ColumnStatistics::said_of_times(const TimeOrder& order) const {
  std::string said;
  if (order != TimeOrder::kYmd) {
    const bool day_first = order == TimeOrder::kDmy, numbers = order >= TimeOrder::kCompact;
    const bool either = day_is_not_month_ && (orders_ & kDayOrMonthFirst) == kDayOrMonthFirst;
    const bool named = std::any_of(first_text_.begin(), first_text_.end(),
                                   [](unsigned char c) { return std::isalpha(c) != 0; });
    said = named && !numbers && !either && (orders_ & kDayOrMonthFirst) == kDayOrMonthFirst
               ? "times, months by their names"
               : "times, " + spoken_order(order);
    if (either) {
      said += std::string(" (--types \"NAME=date(") + (day_first ? "mdy" : "dmy") +
              ")\" exchanges the first two)";
    } else {
      said += numbers ? " (--types NAME=real takes them as numbers)"
                      : " (--types NAME=category takes them as words)";
    }
  }
  if (!style_.zones_differ()) return said;
  return said + (said.empty() ? "times " : ", ") + "with several offsets from UTC: filled in and " +
         "drawn ones are written with the first";
}

std::string ColumnStatistics::type(const std::string& name, std::string* why) const {
  if (seen_ == 0) {
    *why = "all of its cells are missing";
    return "ignore";
  }
  const bool numbers = all_numbers() && !coded();
  const size_t different = values();
  if (different == 1) {
    *why = "constant: every value is \"" + constant() + "\"";
    return "constant";
  }
  if (numbers_tell_time(name)) return "date";
  if (numbers && identifies(name, why)) return "ignore";
  if (different == 2) {
    if (!all_numbers()) check_mixed();
    return "binary";
  }
  if (numbers) return numeric_type();
  return dates_ == seen_ ? "date" : text_type(why);
}

std::string ColumnStatistics::numeric_type() const {
  if (whole_ == seen_) {
    const bool few = values() <= kFewDistinct && high_ - low_ < 2 * kFewDistinct;
    if (few && spelling_.plain()) return "ordinal";
    constexpr double kLargestCount = 1 << 24;
    if (low_ >= 0 && high_ < kLargestCount) return "count";
  }
  return low_ >= 0 && plain_.skewness() > kSkewed && logs_.count() > seen_ / 100 ? "positive"
                                                                                 : "real";
}

/// Refuses a column of numbers (or dates) among which a few words stand.
void ColumnStatistics::check_mixed() const {
  const int64_t regular = std::max(numbers_ + spelled_, dates_), odd = seen_ - regular;
  if (regular == 0 || odd == 0 || many_ || coded()) {
    check(!many_ || odd == 0 || 10 * regular < 9 * seen_, "\"", first_text_, "\" (", unit_, " ",
          first_text_line_, ") is not a number, ", regular, " of ", seen_,
          " cells are; --missing \"", first_text_,
          "\" reads it as a missing cell, --types NAME=category takes all as words");
    return;
  }
  size_t words = 0;
  int64_t rarest = seen_;
  for (const auto& [text, count] : distinct_) {
    if (dates_ > 0 ? is_date(text) : parse_number(text, true).has_value()) continue;
    ++words;
    rarest = std::min(rarest, count);
  }
  constexpr size_t kFewWords = 3;
  const bool measured = distinct_.size() - words > kFewDistinct;
  const bool nearly = 10 * odd <= seen_ && (measured || (rarest < kRare && seen_ >= kFewestRows));
  const bool mostly = 2 * odd <= seen_ && measured && words <= kFewWords;
  const auto& text = first_odd_.empty() ? first_text_ : first_odd_;
  check(!nearly && !mostly, "\"", text, "\" (", unit_, " ",
        first_odd_.empty() ? first_text_line_ : first_odd_line_, ") is not a ",
        dates_ > numbers_ ? "date" : "number", ", ", regular, " of ", seen_,
        " cells are; --missing \"", text,
        "\" reads it as a missing cell, --types NAME=category takes all as words");
}

std::string ColumnStatistics::text_type(std::string* why) const {
  check_mixed();
  const bool different = many_ || distinct_.size() > static_cast<size_t>(seen_ / 2);
  if (seen_ >= kFewestRows && different && distinct_.size() > kFewClasses / 2) {
    *why = all_numbers() ? "codes, nearly every row has one of its own (an identifier)"
                         : "nearly every row has a text of its own (an identifier or free text)";
    return "ignore";
  }
  return "category";
}

Column ColumnStatistics::column(const std::string& name, const std::string& type,
                                int64_t most_classes, const std::string& order) const {
  check(seen_ > 0, "all of its cells are missing, it cannot be of type ", type);
  Column column;
  column.name = name;
  column.type = type == "label" ? "category" : type;
  if (type == "ordinal" || type == "category" || type == "binary" || type == "label") {
    set_classes(column, most_classes, type == "label" ? 1 : 2);
    return column;
  }
  const bool date = type == "date";
  if (date && (dates_ == seen_ || all_numbers())) {
    const auto found = time_order(order);
    check(found.has_value(),
          dates_ == seen_ ? "its dates have no order in common, e.g. \""
                          : "its numbers are not times, e.g. \"",
          dates_ == seen_ ? first_text_ : distinct_.begin()->first, "\"");
    column.order = *found;
    set_dates(column);
    return column;
  }
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

/// The classes with their numbers of cells; the same number in several spellings is one class, in
/// the most frequent of them.
std::vector<std::pair<std::string, int64_t>> ColumnStatistics::counted_classes() const {
  std::vector<std::pair<std::string, int64_t>> classes(distinct_.begin(), distinct_.end());
  if (!all_numbers() || many_ || coded()) return classes;
  classes.clear();
  for (const auto& [number, spellings] : by_value()) {
    auto most = spellings[0];
    int64_t count = 0;
    for (const auto& one : spellings) {
      count += one.second;
      if (std::tie(most.second, one.first) < std::tie(one.second, most.first)) most = one;
    }
    // A number that is no code loses its leading zeros: Cells would take it for one.
    auto& name = most.first;
    while (name.size() > 1 && name[0] == '0' && name[1] >= '0' && name[1] <= '9') name.erase(0, 1);
    classes.emplace_back(name, count);
  }
  return classes;
}

void ColumnStatistics::set_classes(Column& column, int64_t most_classes, size_t least) const {
  auto sorted = counted_classes();
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
  if (all_numbers() && !coded()) {
    std::sort(column.classes.begin(), column.classes.end(), by_value);
  } else {
    std::sort(column.classes.begin(), column.classes.end());
  }
  if (column.other) column.classes.push_back("(other)");
  check(column.classes.size() >= least, "has ", column.classes.size(), " value, type ", column.type,
        " needs two ", quoted_list(column.classes));
}

void ColumnStatistics::set_numbers(Column& c) const {
  const auto& raw = plain_;
  const auto& moments = c.type == "positive" ? logs_ : c.type == "count" ? logs1p_ : raw;
  const double deviation = moments.deviation();
  c.low = low_;
  c.high = high_;
  const bool far = c.type == "real" && std::abs(raw.mean()) > kOffset * raw.deviation();
  if (far) c.origin = std::floor(raw.mean());
  // What float32 cannot tell apart at the decimals of the column needs an origin as well.
  const double unit = std::pow(10.0, -static_cast<double>(decimals_));
  const double most = std::max(std::abs(low_), std::abs(high_));
  if (c.type == "real" && most * kFloatUnit > unit / 2 && whole_part_helps(raw)) {
    c.origin = std::floor(raw.mean());
  }
  c.loc = moments.mean() - c.origin;
  c.scale = deviation > 1e-7 * std::abs(c.loc) ? deviation : 1;
  c.zeros = static_cast<double>(zeros_) / static_cast<double>(std::max<int64_t>(1, seen_));
  c.decimals = decimals_;
  c.spelling = spelling_;
  c.spelling.comma = decided_ ? spelling_.comma : comma_;
  constexpr int64_t kEnough = 30;  // cells whose decimals agree by no chance
  c.spelling.fixed = decimals_ > 0 && fewest_decimals_ == decimals_ && exponents_ == 0 &&
                     (padded_ || numbers_ >= kEnough);
  for (const auto& [word, count] : absent()) c.absent.push_back(word);
  c.bound = held_              ? std::max(held_high_ - raw.mean(), raw.mean() - held_low_) / c.scale
            : c.type == "real" ? kFarthest
                               : 0;
}

void ColumnStatistics::set_dates(Column& c) const {
  const auto& times = times_[unsigned(c.order)];
  c.low = times.first;
  c.high = times.last;
  c.origin = std::floor(times.seconds.mean());
  c.loc = times.seconds.mean() - c.origin;
  const double deviation = times.seconds.deviation();
  c.scale = deviation > 1e-7 * std::abs(c.loc) ? deviation : 1;
  c.format = style_.format(c.order);
  c.zone = style_.zone();
  for (const auto& [word, count] : absent()) c.absent.push_back(word);
}

}  // namespace elbo
