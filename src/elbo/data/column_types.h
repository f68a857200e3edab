#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "elbo/data/column.h"

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

/// Lets a map of texts be asked for one that is no std::string.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

/// What one pass over a column finds out, in bounded memory.
class ColumnStatistics {
 public:
  /// `unit`: what rows are counted in, for messages.
  explicit ColumnStatistics(std::string unit = "line") : unit_(std::move(unit)) {}
  void add_missing() { ++missing_; }
  /// A cell that is not missing, without spaces around it. Raises an Error for numbers beyond
  /// float32.
  void add(std::string_view text, bool comma, int64_t line);

  int64_t missing() const { return missing_; }
  int64_t seen() const { return seen_; }
  /// What the column is, by its cells alone. `ignore` where it tells nothing: `why` says what is
  /// wrong with it. Raises an Error where most but not all cells are numbers.
  std::string type(std::string* why) const;
  /// The column as one of the types that a person or type() named. Raises an Error where the cells
  /// are not of that type.
  Column column(const std::string& name, const std::string& type, int64_t most_classes) const;

 private:
  void tell_apart(std::string_view text);
  bool all_numbers() const { return numbers_ == seen_; }
  std::string numeric_type() const;
  std::string text_type(std::string* why) const;
  void set_classes(Column& column, int64_t most_classes) const;
  void set_numbers(Column& column) const;

  int64_t seen_ = 0, missing_ = 0, numbers_ = 0, dates_ = 0, whole_ = 0, zeros_ = 0;
  double low_ = 0, high_ = 0;
  Moments plain_, logs_, logs1p_, seconds_;
  double first_second_ = 0, last_second_ = 0;
  int64_t decimals_ = 0;
  bool comma_ = false, rising_ = true, many_ = false;
  double last_ = 0;
  std::string unit_, format_, first_text_;
  int64_t first_text_line_ = 0;
  std::unordered_map<std::string, int64_t, TextHash, std::equal_to<>> distinct_;
};

/// What a person said about columns: "age=count,city=category,size=ordinal(S|M|L),id=ignore".
struct NamedType {
  std::string type;
  std::vector<std::string> classes;  // where they were listed
};
std::map<std::string, NamedType> parse_types(const std::string& text,
                                             const std::vector<std::string>& columns);

}  // namespace elbo
