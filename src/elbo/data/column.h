#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "elbo/core/text.h"
#include "elbo/data/schema.h"
#include "elbo/data/spelling.h"
#include "elbo/data/times.h"

namespace elbo {

/// Digits after the point that are kept: beyond these float32 has none.
inline constexpr int64_t kMostDecimals = 9;

/// What one column of a table is, and how its cells are spelled. A cell's value in memory is the
/// number less the origin, or the index of its class.
struct Column {
  std::string name;
  std::string type;                   // real, positive, count, date, ordinal, category, binary
  std::vector<std::string> classes;   // in order; of ordinal, category, binary
  bool other = false;                 // the last class stands for all values that are too rare
  double origin = 0;                  // keeps dates and the like within float32
  double low = 0, high = 0;           // of the observed values
  double loc = 0, scale = 1;          // of log x (positive), log(1 + x) (count), else of x
  double zeros = 0;                   // share of zeros among the observed values
  double bound = 0;                   // scales from loc at which values are held; 0 = none
  int64_t decimals = 0;               // digits after the point
  Spelling spelling;                  // of numbers
  std::vector<std::string> absent;    // words of this column for a missing cell
  std::string format;                 // of dates, as for time_text()
  TimeOrder order = TimeOrder::kYmd;  // of dates
  double zone = 0;                    // of dates: seconds that they are written ahead of UTC

  bool numeric() const { return classes.empty(); }
};

/// The types that a person may name for a column; "label" and "ignore" among them.
const std::vector<std::string>& column_types();
void to_json(Json& j, const Column& column);
/// Raises an Error where a schema that somebody has edited makes no sense.
Column column_from_json(const Json& j, const std::string& where);
/// Names of the columns of a table, or of the variables of a series; empty where it has none.
std::vector<std::string> column_names(const Schema& schema);
/// The columns of a schema of kind table.
std::vector<Column> columns_of(const Schema& table);

std::string_view trimmed(std::string_view text);
/// Words that stand for a missing cell where a column's other cells are numbers or dates: None, -,
/// n/a.
bool is_absent_word(std::string_view text);
/// Seconds since 1970 of year-month-day, also with a time of day: 2024-02-29, 2024/2/29 7:05,
/// 2024-02-29T07:05:09.25Z.
std::optional<double> parse_date(std::string_view text);
/// Whether a text is a date by its spelling, whichever number comes first.
bool is_date(std::string_view text);

/// Reads and writes the cells of one column.
class Cells {
 public:
  explicit Cells(Column column);
  const Column& column() const { return column_; }
  /// The value of a cell that is not missing. Raises an Error that says what is wrong with it.
  float value(std::string_view text) const;
  /// The same without an Error: nothing where the cell cannot be read, and what is wrong with it.
  std::optional<float> read(std::string_view text, std::string* problem) const;
  /// Whether a cell that cannot be read is a missing one, by its word.
  bool absent(std::string_view text) const;
  /// The cell of a value, in the spelling of the column: rounded, within the observed range.
  std::string text(double value) const;
  /// The same beyond the observed range.
  std::string true_text(double value) const;

 private:
  std::optional<float> read_class(std::string_view text, std::string* problem) const;
  std::optional<double> read_number(std::string_view text, std::string* problem) const;

  Column column_;
  std::unordered_map<std::string, int64_t, TextHash, std::equal_to<>> index_;
  std::unordered_map<double, int64_t> by_value_;  // where all classes are numbers
};

}  // namespace elbo
