#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "elbo/data/column.h"
#include "elbo/data/time_style.h"

namespace elbo {

/// Running mean, variance and skewness in double.
class Moments {
 public:
  void add(double x);
  double mean() const { return mean_; }
  double deviation() const;
  double skewness() const;
  int64_t count() const { return n_; }

 private:
  int64_t n_ = 0;
  double mean_ = 0, second_ = 0, third_ = 0;  // sums of powers of deviations
};

/// What one pass over a column finds out, in bounded memory.
class ColumnStatistics {
 public:
  /// `unit`: what rows are counted in, for messages.
  explicit ColumnStatistics(std::string unit = "line") : unit_(std::move(unit)) {}
  /// Numbers are read in this spelling alone; else in any plain one.
  void expect(const Spelling& spelling);
  /// Numbers outside are counted and left out of the moments.
  void hold_within(double low, double high);
  void add_missing(std::string_view text) {
    ++missing_;
    ++holes_[std::string(text)];
  }
  /// The commonest spelling of a missing cell; "" where there is none.
  std::string hole() const;
  /// A cell that is not missing, without spaces around it. Raises an Error for numbers beyond
  /// float32.
  void add(std::string_view text, bool comma, int64_t line);
  /// After the last cell: words for a missing cell among numbers or dates become missing cells.
  void settle();

  int64_t missing() const { return missing_; }
  int64_t seen() const { return seen_; }
  /// Words that settle() took for missing cells, with how many there were.
  std::map<std::string, int64_t> absent() const {
    return settled_ ? absent_ : std::map<std::string, int64_t>();
  }
  /// What the column is, by its cells alone. `ignore` or `constant` where it tells nothing: `why`
  /// says what is wrong with it. Raises an Error where most but not all cells are numbers or dates.
  std::string type(const std::string& name, std::string* why) const;
  /// The column as one of the types that a person or type() named. Raises an Error where the cells
  /// are not of that type.
  /// `order`: of dates, as a person named it; "" = found.
  Column column(const std::string& name, const std::string& type, int64_t most_classes,
                const std::string& order = "") const;
  /// What a note says of a column of dates; "" where they are year-month-day.
  std::string said_of_times(const TimeOrder& order) const;
  /// The text that every cell of a constant column has.
  std::string constant() const { return distinct_.begin()->first; }
  /// Whether numbers are codes: known by their spelling, not by their value (007, 9E30, 20 digits).
  bool coded() const;

  const SpellingEvidence& evidence() const { return evidence_; }
  /// Whether the column is one of numbers, if these may be spelled in other ways ($1,234).
  bool spelled_numbers() const;
  /// Raises an Error naming the first cell that is no number in any spelling, if there is one.
  void refuse_odd(const std::string& what) const;
  /// Where a few numbers lie so far out that they alone make the deviation: between which bounds
  /// the others lie.
  std::optional<std::pair<double, double>> usual_range() const;
  /// How many lie outside of hold_within(), and the first of them.
  int64_t far() const { return far_; }
  std::string first_far() const { return first_far_; }

 private:
  /// What stands where in a plain number.
  struct Digits {
    size_t before = 0, after = 0;
    bool sign = false, zero = false, comma = false, exponent = false, bare_exponent = false;
    int64_t power = 0;
  };
  static Digits digits_of(std::string_view text);

  /// Times as one order reads them.
  struct Times {
    Moments seconds;
    double first = 0, last = 0, before = 0;
    int64_t back = 0;  // how often time does not go on
    void add(double second);
  };

  void tell_apart(std::string_view text);
  unsigned add_time(std::string_view text, unsigned among);
  bool numbers_tell_time(const std::string& name) const;
  std::optional<TimeOrder> time_order(const std::string& given) const;
  void add_number(double number, std::string_view text, int64_t line);
  void add_spelling(std::string_view text, const Digits& d);
  void add_text(std::string_view text, int64_t line);
  bool all_numbers() const { return numbers_ == seen_; }
  bool all_different() const;
  std::map<double, std::vector<std::pair<std::string, int64_t>>> by_value() const;
  size_t values() const;
  bool identifies(const std::string& name, std::string* why) const;
  std::string numeric_type() const;
  std::string text_type(std::string* why) const;
  void check_mixed() const;
  std::vector<std::pair<std::string, int64_t>> counted_classes() const;
  void set_classes(Column& column, int64_t most_classes, size_t least) const;
  void set_numbers(Column& column) const;
  void set_dates(Column& column) const;

  int64_t seen_ = 0, missing_ = 0, numbers_ = 0, dates_ = 0, whole_ = 0, zeros_ = 0;
  int64_t spelled_ = 0, odd_ = 0, far_ = 0;
  double low_ = 0, high_ = 0, held_low_ = 0, held_high_ = 0;
  Moments plain_, logs_, logs1p_;
  unsigned orders_ = (1U << kTimeOrders) - 1;  // that all times so far may have
  std::vector<Times> times_;                   // of each order
  TimeStyle style_;
  bool day_is_not_month_ = false;
  int64_t decimals_ = 0, fewest_decimals_ = kMostDecimals, exponents_ = 0;
  int64_t led_by_zero_ = 0, bare_exponents_ = 0;
  size_t shortest_ = SIZE_MAX, longest_ = 0;  // digits of whole numbers
  bool comma_ = false, rising_ = true, ascending_ = true, many_ = false, different_ = true,
       padded_ = false;
  bool decided_ = false, held_ = false, settled_ = false;
  double last_ = 0;
  std::string unit_, first_text_, first_odd_, first_far_;
  int64_t first_text_line_ = 0, first_odd_line_ = 0;
  std::unordered_map<std::string, int64_t, TextHash, std::equal_to<>> distinct_;
  std::map<std::string, int64_t> absent_, holes_;
  Spelling spelling_;
  SpellingEvidence evidence_;
  std::vector<float> some_;  // every so many-th number
  int64_t between_some_ = 1;
};

/// What a person said about columns: "age=count,city=category,size=ordinal(S|M|L),id=ignore".
struct NamedType {
  std::string type;
  std::vector<std::string> classes;  // where they were listed
};
std::map<std::string, NamedType> parse_types(const std::string& text,
                                             const std::vector<std::string>& columns);

}  // namespace elbo
