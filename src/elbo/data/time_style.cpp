#include "elbo/data/time_style.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <ctime>

#include "elbo/core/text.h"

namespace elbo {
namespace {

constexpr size_t kMostFraction = 6;  // digits of a second that a double of seconds since 1970 holds

bool digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

/// Digits, letters, or one other byte from the front of the text.
std::string_view take_run(std::string_view& text) {
  size_t end = 1;
  if (digit(text.front())) {
    while (end < text.size() && digit(text[end])) ++end;
  } else if (is_letter(text.front())) {
    while (end < text.size() && is_letter(text[end])) ++end;
  }
  const auto run = text.substr(0, end);
  text.remove_prefix(end);
  return run;
}

bool is_weekday(const std::string& low) {
  for (const char* day : {"mon", "tue", "wed", "thu", "fri", "sat", "sun"}) {
    if (low.starts_with(day) && (low.size() == 3 || low.ends_with("day"))) return true;
  }
  return false;
}

/// One cell taken apart, and its pattern put together, from left to right.
class Reading {
 public:
  explicit Reading(std::string_view text) : rest_(text) {}

  bool bare_date = false, bare_hour = false, long_month = false;
  size_t fraction = 0;
  std::string zone;

  /// The pattern; what the column's other cells say (`style`) goes before what this one shows.
  std::string pattern(TimeOrder order, const Reading& style) {
    order_ = order;
    style_ = &style;
    const auto compact = order == TimeOrder::kCompact;
    while (!rest_.empty()) {
      const auto run = take_run(rest_);
      if (is_letter(run[0])) {
        letters(run);
      } else if (digit(run[0])) {
        compact&& field_ == 0 ? compact_digits(run) : digits(run);
      } else if (field_ >= 6 && (run == "." || run == ",") && !rest_.empty() && digit(rest_[0])) {
        out_ += run;
        fraction = std::min(take_run(rest_).size(), kMostFraction);
        out_ += "%" + std::to_string(std::max(fraction, style.fraction)) + "f";
      } else if (field_ >= 4 && (run == "+" || run == "-")) {
        zone = std::string(run) + std::string(rest_);
        out_ += zone;
        rest_ = {};
      } else {
        out_ += run == "%" ? "%%" : std::string(run);
      }
    }
    if (noon_) std::replace(out_.begin(), out_.end(), 'H', 'I');
    return out_;
  }

 private:
  void letters(std::string_view run) {
    const auto low = lower_case(std::string(run));
    const bool capital = run[0] >= 'A' && run[0] <= 'Z', all = run.size() > 1 && run[1] <= 'Z';
    if (field_ == 0 && !named_ && is_weekday(low)) {
      out_ += all ? (run.size() > 3 ? "%^A" : "%^a") : run.size() > 3 ? "%A" : "%a";
    } else if (low == "am" || low == "pm" || ((low == "a" || low == "p") && field_ >= 4)) {
      noon_ = true;
      out_ += capital ? "%p" : "%P";
      if (low.size() == 1) rest_ = {};  // a.m. is written as AM
    } else if (low == "z" || low == "utc" || low == "gmt" || low == "t") {
      out_ += run;
    } else {
      named_ = true;
      long_month = run.size() > 3;
      const bool whole = long_month || style_->long_month;
      out_ += all ? (whole ? "%^B" : "%^b") : whole ? "%B" : "%b";
    }
  }

  void digits(std::string_view run) {
    const bool bare = run.size() == 1;
    const size_t date_fields = named_first() ? 2 : 3;
    if (field_ < date_fields) {
      const char name = date_field(field_);
      if (name == 'Y') {
        out_ += run.size() == 2 ? "%y" : "%Y";
      } else {
        bare_date = bare_date || bare;
        out_ += bare_date || style_->bare_date ? std::string("%-") + name : std::string("%") + name;
      }
      if (++field_ == date_fields) field_ = 3;
      return;
    }
    static constexpr char kClock[] = {'H', 'M', 'S'};
    if (run.size() >= 4 && field_ == 3) {  // 1523, 152325
      out_ += run.size() == 4 ? "%H%M" : "%H%M%S";
      field_ = run.size() == 4 ? 5 : 6;
      return;
    }
    const size_t at = std::min<size_t>(field_ - 3, 2);
    if (at == 0) bare_hour = bare;
    const bool thin = at == 0 && (bare || style_->bare_hour);
    out_ += std::string(thin ? "%-" : "%") + kClock[at];
    field_ = at + 4;
  }

  /// YYYYMMDD, and a time of day behind it.
  void compact_digits(std::string_view run) {
    out_ += "%Y%m%d";
    field_ = 3;
    if (run.size() >= 12) out_ += "%H%M";
    if (run.size() >= 14) out_ += "%S";
    if (run.size() >= 12) field_ = run.size() >= 14 ? 6 : 5;
    if (run.size() <= 14) return;
    fraction = std::min(run.size() - 14, kMostFraction);
    out_ += "%" + std::to_string(fraction) + "f";
  }

  /// Whether a month has a name, here or further on.
  bool named_first() {
    if (named_ || field_ > 0) return named_ || named_later_;
    auto rest = rest_;
    for (int runs = 0; !rest.empty() && runs < 3; ++runs) {
      const auto run = take_run(rest);
      named_later_ = named_later_ || (is_letter(run[0]) && run.size() >= 3);
      if (run == ":") break;
    }
    return named_later_;
  }

  char date_field(size_t at) const {
    if (order_ == TimeOrder::kYmd) {
      static constexpr char kYmd[] = {'Y', 'm', 'd'}, kNamed[] = {'Y', 'd'};
      return named_ || named_later_ ? kNamed[at] : kYmd[at];
    }
    if (named_ || named_later_) return at == 0 ? 'd' : 'Y';
    static constexpr char kDmy[] = {'d', 'm', 'Y'}, kMdy[] = {'m', 'd', 'Y'};
    return order_ == TimeOrder::kDmy ? kDmy[at] : kMdy[at];
  }

  std::string_view rest_;
  std::string out_;
  TimeOrder order_ = TimeOrder::kYmd;
  const Reading* style_ = nullptr;
  size_t field_ = 0;  // 0 to 2: of the date; from 3: of the clock
  bool named_ = false, named_later_ = false, noon_ = false;
};

/// Which field is which does not matter to what is gathered.
Reading read(std::string_view text) {
  static const Reading none{""};
  Reading reading(text);
  const bool digits = text.find_first_not_of("0123456789") == std::string_view::npos;
  reading.pattern(digits ? TimeOrder::kCompact
                  : digit(text[0]) && text.find_first_not_of("0123456789") == 4 ? TimeOrder::kYmd
                                                                                : TimeOrder::kDmy,
                  none);
  return reading;
}

}  // namespace

void TimeStyle::add(std::string_view text) {
  if (text.empty()) return;
  const auto one = read(text);
  if (first_.empty()) {
    first_ = text;
    zone_ = one.zone;
  }
  zones_differ_ = zones_differ_ || one.zone != zone_;
  bare_date_ = bare_date_ || one.bare_date;
  bare_hour_ = bare_hour_ || one.bare_hour;
  long_month_ = long_month_ || one.long_month;
  fraction_ = std::max(fraction_, one.fraction);
}

std::string TimeStyle::format(TimeOrder order) const {
  if (first_.empty() || order >= TimeOrder::kSeconds) return "";
  Reading style("");
  style.bare_date = bare_date_;
  style.bare_hour = bare_hour_;
  style.long_month = long_month_;
  style.fraction = fraction_;
  return Reading(first_).pattern(order, style);
}

double TimeStyle::zone() const {
  if (zone_.empty()) return 0;
  std::string digits;
  for (const char c : zone_) {
    if (digit(c)) digits += c;
  }
  if (digits.size() < 2) return 0;
  const double hours = std::stod(digits.substr(0, 2));
  const double minutes = digits.size() >= 4 ? std::stod(digits.substr(2, 2)) : 0;
  return (zone_[0] == '-' ? -1 : 1) * (3600 * hours + 60 * minutes);
}

std::string time_text(double seconds, const std::string& format, double zone) {
  int64_t digits = 0;
  const auto mark = format.find('f');
  const bool fraction = mark != std::string::npos && mark >= 2 && format[mark - 2] == '%';
  if (fraction) digits = format[mark - 1] - '0';
  const double unit = std::pow(10.0, static_cast<double>(digits));
  const double ticks = std::round((seconds + zone) * unit);
  const double whole = std::floor(ticks / unit);
  auto pattern = format;
  if (fraction) {
    auto part = std::to_string(static_cast<int64_t>(ticks - whole * unit));
    part.insert(0, static_cast<size_t>(digits) - std::min(part.size(), static_cast<size_t>(digits)),
                '0');
    pattern.replace(mark - 2, 3, part);
  }
  const auto time = static_cast<std::time_t>(whole);
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[128];
  return {text, std::strftime(text, sizeof text, pattern.c_str(), &parts)};
}

std::string time_text(double seconds, TimeOrder order, const std::string& format, double zone) {
  const double unit = order == TimeOrder::kMicroseconds   ? 1e6
                      : order == TimeOrder::kMilliseconds ? 1e3
                                                          : 1;
  if (order < TimeOrder::kSeconds) return time_text(seconds, format, zone);
  return number_text(seconds * unit, 0, false);
}

}  // namespace elbo
