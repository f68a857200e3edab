#include "elbo/data/column_types.h"

#include <algorithm>
#include <cmath>

#include "elbo/core/registry.h"

namespace elbo {
namespace {

constexpr size_t kMostDistinct = size_t{1} << 16;  // values that are told apart
constexpr size_t kMostFractions = 4096;            // among numbers that are not whole
constexpr int64_t kFewRows = 20;                   // below this, all different says nothing

bool digit_at(std::string_view text, size_t i) {
  return i < text.size() && text[i] >= '0' && text[i] <= '9';
}

/// Whether a text may be a number with signs around and within it; most words are none.
bool may_be_number(std::string_view text) {
  const char first = text.front();
  const bool word = first >= 'a' && first <= 'z' && first != 'k' && first != 'z';
  return !word && text.find_first_of("0123456789") != std::string_view::npos;
}

}  // namespace

ColumnStatistics::Digits ColumnStatistics::digits_of(std::string_view text) {
  Digits d;
  d.sign = text[0] == '-' || text[0] == '+';
  size_t i = d.sign ? 1 : 0;
  d.zero = i < text.size() && text[i] == '0';
  for (; digit_at(text, i); ++i) ++d.before;
  if (i < text.size() && (text[i] == '.' || text[i] == ',')) {
    d.comma = text[i] == ',';
    for (++i; digit_at(text, i); ++i) ++d.after;
  }
  d.exponent = i < text.size();
  d.bare_exponent = d.exponent && !d.sign && d.after == 0 && digit_at(text, i + 1);
  if (d.exponent) d.power = std::atoll(std::string(text.substr(i + 1)).c_str());
  return d;
}

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
  // Nothing is decided by how often a measurement or one of many times comes; looking each up takes
  // most of the time.
  const bool measured = numbers_ > 0 && numbers_ == seen_ && whole_ < numbers_;
  const bool times = dates_ > 0 && dates_ == seen_ && different_;
  if ((measured || times) && distinct_.size() >= kMostFractions) {
    many_ = true;
  } else if (const auto at = distinct_.find(text); at != distinct_.end()) {
    ++at->second;
    different_ = false;
  } else if (!many_) {
    distinct_.emplace(text, 1);
    many_ = distinct_.size() > kMostDistinct;
  }
}

void ColumnStatistics::expect(const Spelling& spelling) {
  decided_ = true;
  spelling_ = spelling;
}

void ColumnStatistics::hold_within(double low, double high) {
  held_ = true;
  held_low_ = low;
  held_high_ = high;
}

/// How the digits of a plain number stand, and what that says about all of them.
void ColumnStatistics::add_spelling(std::string_view text, const Digits& d) {
  const auto decimals =
      std::clamp<int64_t>(static_cast<int64_t>(d.after) - d.power, 0, kMostDecimals);
  decimals_ = std::max(decimals_, decimals);
  fewest_decimals_ = std::min(fewest_decimals_, decimals);
  padded_ = padded_ || (d.after > 0 && text.back() == '0');
  exponents_ += d.exponent;
  bare_exponents_ += d.bare_exponent;
  comma_ = comma_ || d.comma;
  if (!d.exponent) {
    if (d.comma) {
      evidence_.add(text);
    } else {
      evidence_.add_plain(d.before, d.after, d.zero);
    }
  }
  if (d.after > 0) return;
  led_by_zero_ += d.zero && d.before > 1 && !d.sign && !d.exponent;
  const auto length = d.exponent ? text.size() : d.before;
  shortest_ = std::min(shortest_, length);
  longest_ = std::max(longest_, length);
}

void ColumnStatistics::add_number(double number, std::string_view text, int64_t line) {
  rising_ = rising_ && (numbers_ == 0 || number == last_ + 1);
  ascending_ = ascending_ && (numbers_ == 0 || number >= last_);  // times rise, identifiers do not
  last_ = number;
  low_ = numbers_ == 0 ? number : std::min(low_, number);
  high_ = numbers_ == 0 ? number : std::max(high_, number);
  constexpr size_t kSome = 2048;
  if (numbers_ % between_some_ == 0) some_.push_back(static_cast<float>(number));
  if (some_.size() == kSome) {
    for (size_t i = 0; i < kSome / 2; ++i) some_[i] = some_[2 * i];
    some_.resize(kSome / 2);
    between_some_ *= 2;
  }
  if ((orders_ & ~kSpelled) != 0) add_time(text, orders_ & ~kSpelled);
  ++numbers_;
  whole_ += number == std::floor(number);
  zeros_ += number == 0;
  const bool far = held_ && (number < held_low_ || number > held_high_);
  if (far && far_++ == 0)
    first_far_ = std::string(text) + " (" + unit_ + " " + std::to_string(line) + ")";
  if (!far) plain_.add(number);
  // Only columns without negative numbers are positive, and of these only whole ones counts.
  if (low_ >= 0 && number > 0) logs_.add(std::log(number));
  if (low_ >= 0 && whole_ == numbers_) logs1p_.add(std::log1p(number));
}

void ColumnStatistics::Times::add(double second) {
  const bool none = seconds.count() == 0;
  back += !none && second < before;
  first = none ? second : std::min(first, second);
  last = none ? second : std::max(last, second);
  before = second;
  seconds.add(second);
}

/// The orders among these that the text may have; the column's are no more than that.
unsigned ColumnStatistics::add_time(std::string_view text, unsigned among) {
  unsigned found = 0;
  double seconds[kTimeOrders] = {};
  for (unsigned k = 0; k < kTimeOrders; ++k) {
    if ((among >> k & 1U) == 0) continue;
    const auto time = parse_time(text, static_cast<TimeOrder>(k));
    if (!time) continue;
    found |= 1U << k;
    seconds[k] = *time;
  }
  if (found == 0 && (among & kSpelled) != 0) return 0;  // the caller tries other orders
  orders_ &= found;
  if (orders_ == 0) return found;
  if (times_.empty()) times_.resize(kTimeOrders);
  for (unsigned k = 0; k < kTimeOrders; ++k) {
    if ((orders_ >> k & 1U) != 0) times_[k].add(seconds[k]);
  }
  const bool both = (orders_ & kDayOrMonthFirst) == kDayOrMonthFirst;
  day_is_not_month_ = day_is_not_month_ || (both && seconds[unsigned(TimeOrder::kDmy)] !=
                                                        seconds[unsigned(TimeOrder::kMdy)]);
  constexpr int64_t kEnough = 4096;  // cells that show the style
  if (seen_ <= kEnough) style_.add(text);
  return found;
}

void ColumnStatistics::add_text(std::string_view text, int64_t line) {
  if (first_text_line_ == 0) {
    first_text_ = text;
    first_text_line_ = line;
  }
  const bool dates = dates_ > 0 && add_time(text, orders_ & kSpelled) != 0;
  if (dates || is_date(text)) {
    if (!dates) add_time(text, kSpelled);
    ++dates_;
    return;
  }
  // A column of words is known for one soon, and nothing more is asked about each.
  constexpr int64_t kEnoughWords = 1000;
  const bool words = odd_ > kEnoughWords && odd_ > seen_ / 2;
  if (!decided_ && !words && may_be_number(text) && evidence_.add(text)) {
    ++spelled_;
  } else if (!words && is_absent_word(text)) {
    ++absent_[std::string(text)];
  } else if (odd_++ == 0) {
    first_odd_ = text;
    first_odd_line_ = line;
  }
}

void ColumnStatistics::add(std::string_view text, bool comma, int64_t line) {
  tell_apart(text);
  ++seen_;
  const bool dates = dates_ > 0 && numbers_ == 0;
  if (dates && add_time(text, orders_ & kSpelled) != 0) {
    ++dates_;
    return;
  }
  if (const auto plain = decided_ ? std::nullopt : plain_number(text)) {
    add_spelling(text, {plain->before, plain->after, plain->sign, plain->zero});
    return add_number(plain->value, text, line);
  }
  const auto number = decided_ ? parse_number(text, spelling_) : parse_number(text, comma);
  if (!number) return add_text(text, line);
  if (!decided_ || spelling_.plain()) {
    add_spelling(text, digits_of(text));
  } else if (const auto point = text.rfind(spelling_.comma ? ',' : '.'); point != text.npos) {
    size_t after = 0;
    while (digit_at(text, point + 1 + after)) ++after;
    padded_ = padded_ || (after > 0 && text[point + after] == '0');
    decimals_ = std::max(decimals_, std::min<int64_t>(static_cast<int64_t>(after), kMostDecimals));
    fewest_decimals_ = std::min(fewest_decimals_, static_cast<int64_t>(after));
  } else {
    fewest_decimals_ = 0;
  }
  add_number(*number, text, line);
}

std::string ColumnStatistics::hole() const {
  std::pair<int64_t, std::string> commonest{0, ""};
  for (const auto& counts : {holes_, absent()}) {
    for (const auto& [word, count] : counts) commonest = std::max(commonest, {count, word});
  }
  return commonest.second;
}

void ColumnStatistics::settle() {
  int64_t words = 0;
  for (const auto& [word, count] : absent_) words += count;
  constexpr size_t kFewest = 3;  // values beside the words; fewer are classes themselves
  const bool some = dates_ > 0 || distinct_.size() >= absent_.size() + kFewest;
  if (words == 0 || odd_ + spelled_ > 0 || !some || std::max(numbers_, dates_) + words != seen_) {
    return;
  }
  settled_ = true;
  for (const auto& [word, count] : absent_) distinct_.erase(word);
  seen_ -= words;
  missing_ += words;
}

bool ColumnStatistics::spelled_numbers() const {
  int64_t words = 0;
  for (const auto& [word, count] : absent_) words += count;
  return numbers_ + spelled_ > 0 && 10 * (numbers_ + spelled_ + words) >= 9 * seen_ && dates_ == 0;
}

void ColumnStatistics::refuse_odd(const std::string& what) const {
  check(odd_ == 0, "\"", first_odd_, "\" (", unit_, " ", first_odd_line_, ") is not a ", what, ", ",
        seen_ - odd_, " of ", seen_, " cells are; --missing \"", first_odd_,
        "\" reads it as a missing cell, --types NAME=category takes all as words");
}

std::optional<std::pair<double, double>> ColumnStatistics::usual_range() const {
  constexpr double kWider = 10, kFar = 30, kQuartiles = 1.349;  // of a normal distribution
  if (some_.size() < static_cast<size_t>(kFewRows) || !all_numbers()) return {};
  auto sorted = some_;
  std::sort(sorted.begin(), sorted.end());
  const auto at = [&](double share) {
    return static_cast<double>(
        sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))]);
  };
  const double deviation = (at(0.75) - at(0.25)) / kQuartiles;
  if (!(deviation > 0) || plain_.deviation() < kWider * deviation) return {};
  return std::pair(at(0.5) - kFar * deviation, at(0.5) + kFar * deviation);
}

}  // namespace elbo
