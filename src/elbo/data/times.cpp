#include "elbo/data/times.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <vector>

#include "elbo/core/text.h"
#include "elbo/data/column.h"

namespace elbo {
namespace {

const std::vector<std::string>& order_names() {
  static const std::vector<std::string> names = {"ymd", "dmy", "mdy", "compact", "s", "ms", "us"};
  return names;
}

/// A text that is taken apart from its front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  bool empty() const { return rest_.empty(); }
  char front() const { return rest_.empty() ? '\0' : rest_.front(); }
  std::string_view rest() const { return rest_; }
  bool take(char c) {
    if (front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_any(std::string_view chars) {
    if (empty() || chars.find(front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view take_while(std::string_view chars) {
    const auto end = std::min(rest_.find_first_not_of(chars), rest_.size());
    const auto taken = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return taken;
  }
  std::string_view digits() { return take_while("0123456789"); }
  /// Letters in lower case.
  std::string word() {
    std::string letters;
    while (!empty() && std::isalpha(static_cast<unsigned char>(front()))) {
      letters += static_cast<char>(std::tolower(static_cast<unsigned char>(front())));
      rest_.remove_prefix(1);
    }
    return letters;
  }

 private:
  std::string_view rest_;
};

int whole(std::string_view digits) {
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

/// 1 to 12 for "jan", "january", …; 0 for other words.
int month_named(const std::string& word) {
  static const std::array<std::string, 12> months = {
      "january", "february", "march",     "april",   "may",      "june",
      "july",    "august",   "september", "october", "november", "december"};
  for (size_t i = 0; i < months.size(); ++i) {
    const bool whole_or_short =
        word == months[i] || word == months[i].substr(0, 3) || (i == 8 && word == "sept");
    if (whole_or_short) return static_cast<int>(i) + 1;
  }
  return 0;
}

/// Three numbers of a date in the order of the text; a named month has its place in `named`.
struct DateFields {
  std::array<int, 3> value{};
  std::array<size_t, 3> digits{};
  int named = -1;
};

bool take_date(Scanner& in, DateFields& d) {
  char between = 0;
  for (size_t i = 0; i < 3; ++i) {
    if (i > 0) {
      const char c = in.front();
      const bool separator = c == '-' || c == '/' || c == '.' || c == ' ' || c == ',';
      // Digits have one separator throughout; beside a month's name anything goes.
      if (!separator || (d.named < 0 && between != 0 && c != between && c != ' ' && c != ','))
        return false;
      between = c;
      in.take_while(c == ',' || c == ' ' ? ", " : std::string_view(&c, 1));
    }
    if (std::isalpha(static_cast<unsigned char>(in.front()))) {
      d.value[i] = month_named(in.word());
      if (d.value[i] == 0 || d.named >= 0) return false;
      d.named = static_cast<int>(i);
      in.take('.');
    } else {
      const auto digits = in.digits();
      if (digits.empty() || digits.size() > 4) return false;
      d.value[i] = whole(digits);
      d.digits[i] = digits.size();
    }
  }
  return d.named >= 0 || between != ' ';
}

int full_year(int year, size_t digits) {
  return digits > 2 ? year : year + (year < 69 ? 2000 : 1900);
}

struct CivilDate {
  int year, month, day;
};

std::optional<CivilDate> ordered(const DateFields& d, TimeOrder order) {
  const auto year_at = [&](size_t i) { return d.digits[i] == 4 || (i == 2 && d.digits[i] == 2); };
  const bool first = d.digits[0] == 4;
  if (order == TimeOrder::kYmd) {
    if (!first || d.named == 0 || d.digits[2] > 2 || d.digits[1] > 2) return {};
    return CivilDate{d.value[0], d.value[1], d.value[2]};
  }
  if (first || !year_at(2) || d.digits[0] > 2 || d.digits[1] > 2) return {};
  const int year = full_year(d.value[2], d.digits[2]);
  if (d.named >= 0) {  // either order reads it
    if (d.named == 2) return {};
    return CivilDate{year, d.value[static_cast<size_t>(d.named)],
                     d.value[static_cast<size_t>(1 - d.named)]};
  }
  if (order == TimeOrder::kDmy) return CivilDate{year, d.value[1], d.value[0]};
  return CivilDate{year, d.value[0], d.value[1]};
}

std::optional<double> seconds_of(const CivilDate& d) {
  using namespace std::chrono;
  const year_month_day date{year{d.year}, month{static_cast<unsigned>(d.month)},
                            day{static_cast<unsigned>(d.day)}};
  if (!date.ok()) return {};
  return 86400.0 * static_cast<double>(sys_days{date}.time_since_epoch().count());
}

/// "7:05", "07:05:09.25 PM", "150405", with an offset behind it; seconds of the day less the
/// offset.
std::optional<double> take_clock(Scanner& in) {
  const auto first = in.digits();
  std::array<int, 2> part{};
  double second = 0;
  if (first.size() == 6 || first.size() == 4) {
    part = {whole(first.substr(0, 2)), whole(first.substr(2, 2))};
    if (first.size() == 6) second = whole(first.substr(4, 2));
  } else {
    if (first.empty() || first.size() > 2 || !in.take(':')) return {};
    const auto minute = in.digits();
    if (minute.empty() || minute.size() > 2) return {};
    part = {whole(first), whole(minute)};
    if (in.take(':')) {
      const auto digits = in.digits();
      if (digits.empty() || digits.size() > 2) return {};
      second = whole(digits);
    }
  }
  if (in.front() == '.' || in.front() == ',') {
    in.take_any(".,");
    const auto fraction = in.digits();
    if (fraction.empty()) return {};
    second += std::strtod(("0." + std::string(fraction)).c_str(), nullptr);
  }
  in.take(' ');
  if (in.front() == 'a' || in.front() == 'p' || in.front() == 'A' || in.front() == 'P') {
    const bool noon = in.front() == 'p' || in.front() == 'P';
    in.take_any("apAP");
    in.take('.');
    if (!in.take_any("mM")) return {};
    in.take('.');
    if (part[0] < 1 || part[0] > 12) return {};
    part[0] = part[0] % 12 + (noon ? 12 : 0);
    in.take(' ');
  }
  if (part[0] > 23 || part[1] > 59 || second >= 61) return {};
  double offset = 0;
  if (in.front() == '+' || in.front() == '-') {
    const double sign = in.front() == '+' ? 1 : -1;
    in.take_any("+-");
    const auto hours = in.digits();
    if (hours.size() == 4) {
      offset = sign * (whole(hours.substr(0, 2)) * 3600.0 + whole(hours.substr(2)) * 60.0);
    } else {
      if (hours.size() != 2) return {};
      offset = sign * whole(hours) * 3600.0;
      if (in.take(':')) {
        const auto minutes = in.digits();
        if (minutes.size() != 2) return {};
        offset += sign * whole(minutes) * 60.0;
      }
    }
  } else if (!in.empty()) {
    const auto zone = in.word();
    if (zone != "z" && zone != "utc" && zone != "gmt") return {};
  }
  if (!in.empty()) return {};
  return part[0] * 3600.0 + part[1] * 60.0 + second - offset;
}

/// 20211027, 202110271523, 20211027152325, 20211027152325123, 20211027T152325.
std::optional<double> parse_compact(std::string_view text) {
  Scanner in(text);
  const auto digits = in.digits();
  if (digits.size() < 8 || (digits.size() > 8 && digits.size() < 12)) return {};
  const CivilDate date{whole(digits.substr(0, 4)), whole(digits.substr(4, 2)),
                       whole(digits.substr(6, 2))};
  const auto day = seconds_of(date);
  if (!day || date.year < 1800 || date.year > 2200) return {};
  if (digits.size() == 8) {
    if (in.empty()) return day;
    if (!in.take_any("T ")) return {};
    const auto clock = take_clock(in);
    return clock ? std::optional(*day + *clock) : std::nullopt;
  }
  const auto time = digits.substr(8);
  if (!in.empty() || time.size() == 5) return {};
  const int hour = whole(time.substr(0, 2)), minute = whole(time.substr(2, 2));
  const int second = time.size() > 4 ? whole(time.substr(4, 2)) : 0;
  if (hour > 23 || minute > 59 || second > 60) return {};
  double fraction = 0;
  if (time.size() > 6) {
    fraction = std::strtod(("0." + std::string(time.substr(6))).c_str(), nullptr);
  }
  return *day + hour * 3600.0 + minute * 60.0 + second + fraction;
}

/// Unix time between 1980 and 2100.
std::optional<double> parse_unix(std::string_view text, double per_second) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  if (text.find_first_of("eE") != std::string_view::npos) return {};
  constexpr double kFirst = 3.15e8, kLast = 4.1e9;
  const double seconds = value / per_second;
  if (seconds < kFirst || seconds > kLast) return {};
  return seconds;
}

/// A leading name of a weekday, which says nothing new.
std::string_view without_weekday(std::string_view text) {
  for (const char* day : {"mon", "tue", "wed", "thu", "fri", "sat", "sun"}) {
    Scanner in(text);
    const auto word = in.word();
    if (word.substr(0, 3) != day || word.size() == text.size()) continue;
    if (word.size() > 3 && !word.ends_with("day")) continue;
    in.take_while("., ");
    return in.rest();
  }
  return text;
}

}  // namespace

const std::string& to_string(TimeOrder order) { return order_names()[static_cast<size_t>(order)]; }

std::optional<TimeOrder> time_order_named(const std::string& name) {
  const auto& names = order_names();
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) return std::nullopt;
  return static_cast<TimeOrder>(at - names.begin());
}

std::string spoken_order(TimeOrder order) {
  static const std::vector<std::string> words = {
      "year-month-day",           "day/month/year",
      "month/day/year",           "YYYYMMDD",
      "Unix time in seconds",     "Unix time in milliseconds",
      "Unix time in microseconds"};
  return words[static_cast<size_t>(order)];
}

std::optional<double> parse_time(std::string_view text, TimeOrder order) {
  // Most dates are plain ones, which are read in one pass.
  if (order == TimeOrder::kYmd) {
    if (const auto plain = parse_date(text)) return plain;
  }
  if (order == TimeOrder::kSeconds) return parse_unix(text, 1);
  if (order == TimeOrder::kMilliseconds) return parse_unix(text, 1e3);
  if (order == TimeOrder::kMicroseconds) return parse_unix(text, 1e6);
  text = without_weekday(text);
  if (order == TimeOrder::kCompact) return parse_compact(text);
  Scanner in(text);
  DateFields fields;
  if (!take_date(in, fields)) return {};
  const auto date = ordered(fields, order);
  const auto day = date ? seconds_of(*date) : std::nullopt;
  if (!day || in.empty()) return day;
  if (!in.take_any("T ,")) return {};
  in.take(' ');
  const auto clock = take_clock(in);
  return clock ? std::optional(*day + *clock) : std::nullopt;
}

unsigned time_orders(std::string_view text, unsigned among) {
  unsigned orders = 0;
  for (unsigned k = 0; k < kTimeOrders; ++k) {
    if ((among >> k & 1U) != 0 && parse_time(text, static_cast<TimeOrder>(k))) orders |= 1U << k;
  }
  return orders;
}

bool names_time(const std::string& given) {
  const auto name = lower_case(given);
  for (const char* part : {"time", "date", "stamp", "epoch", "unix"}) {
    if (name.find(part) != std::string::npos) return true;
  }
  return name == "t" || name == "ts" || name == "ds";
}

void TimeEvidence::add(std::string_view text) {
  ++count_;
  std::optional<double> days[2];
  for (unsigned k = 0; k < order_names().size(); ++k) {
    if ((possible_ >> k & 1) == 0) continue;
    const auto time = parse_time(text, static_cast<TimeOrder>(k));
    if (!time) possible_ &= ~(1U << k);
    if (k == 1 || k == 2) days[k - 1] = time;
  }
  possible_ &= (1U << order_names().size()) - 1;
  told_apart_ = told_apart_ || days[0] != days[1];
}

bool TimeEvidence::spelled() const {
  return may_be(TimeOrder::kYmd) || may_be(TimeOrder::kDmy) || may_be(TimeOrder::kMdy);
}

bool TimeEvidence::ambiguous() const {
  return may_be(TimeOrder::kDmy) && may_be(TimeOrder::kMdy) && told_apart_;
}

std::optional<TimeOrder> TimeEvidence::order() const {
  for (unsigned k = 0; count_ > 0 && k < order_names().size(); ++k) {
    if ((possible_ >> k & 1) != 0) return static_cast<TimeOrder>(k);
  }
  return std::nullopt;
}

}  // namespace elbo
