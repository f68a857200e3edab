#include "elbo/coding/column_text.h"

#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>

#include "elbo/coding/table_records.h"
#include "elbo/core/text.h"
#include "elbo/io/csv.h"

namespace elbo {
namespace {

constexpr float kHole = std::numeric_limits<float>::quiet_NaN();
// From this share of cells that are written otherwise a column is kept as text.
constexpr double kMostOdd = 0.3;
constexpr double kExactUnits = 9e15;

std::string most_of(const std::map<std::string, size_t>& counts) {
  std::string best;
  size_t most = 0;
  for (const auto& [text, count] : counts) {
    if (count > most) best = text;
    most = std::max(most, count);
  }
  return best;
}

size_t blanks_before(std::string_view raw) {
  const auto at = raw.find_first_not_of(" \t");
  return at == std::string_view::npos ? 0 : at;
}

size_t blanks_behind(std::string_view raw) {
  const auto at = raw.find_last_not_of(" \t");
  return at == std::string_view::npos ? 0 : raw.size() - at - 1;
}

/// Numbers that float32 cannot tell from their neighbours: how far off, in units of the last
/// decimal.
class DecimalUnits {
 public:
  explicit DecimalUnits(const Column& c)
      : column_(c), per_unit_(std::pow(10.0, static_cast<double>(c.decimals))) {}
  bool any() const { return column_.numeric() && column_.type != "date"; }
  int64_t of(double value) const {
    const double units = value * per_unit_;
    return std::fabs(units) < kExactUnits ? std::llround(units) : 0;
  }
  int64_t of_value(float x) const { return of(static_cast<double>(x) + column_.origin); }
  std::string text(int64_t units) const {
    return spelled(static_cast<double>(units) / per_unit_, column_.decimals, column_.spelling);
  }
  std::optional<int64_t> read(const std::string& text) const {
    try {
      const auto number = parse_number(text, column_.spelling);
      if (number) return of(*number);
    } catch (const Error&) {  // beyond the range
    }
    return {};
  }

 private:
  const Column& column_;
  double per_unit_;
};

/// Rows that rise, by their distances.
void put_rows(SideWriter& out, const std::vector<size_t>& rows) {
  out.number(rows.size());
  size_t last = 0;
  for (const size_t r : rows) {
    out.number(r - last);
    last = r;
  }
}

std::vector<size_t> take_rows(SideReader& in, size_t most) {
  std::vector<size_t> rows;
  size_t last = 0;
  for (uint64_t left = in.count(); left > 0; --left) {
    last += static_cast<size_t>(in.number());
    check(last < most, "[coding] text of the table: names a row that it does not have");
    rows.push_back(last);
  }
  return rows;
}

std::string canonical(const Cells& cells, const CellStyle& style, float value, char delimiter) {
  return std::isnan(value) ? style.hole : style.written(cells.true_text(value), delimiter);
}

}  // namespace

std::string CellStyle::written(std::string_view text, char delimiter) const {
  if (!quoted) return before + csv_cell(text, delimiter) + behind;
  std::string inside;
  for (const char c : text) inside += c == '"' ? std::string("\"\"") : std::string(1, c);
  return before + '"' + inside + '"' + behind;
}

std::vector<float> ColumnText::read(const std::vector<std::string_view>& raw) const {
  std::vector<float> values;
  std::string problem;
  for (const auto& cell : raw) {
    const auto text = cell_content(cell);
    const auto value = text.empty() ? std::nullopt : cells_.read(text, &problem);
    // A word for nothing is no rare class.
    const bool absent = !cells_.column().numeric() && is_absent_word(text);
    values.push_back(!value || (absent && cells_.text(*value) != text) ? kHole : *value);
  }
  return values;
}

CellStyle ColumnText::style_of(const std::vector<std::string_view>& raw,
                               const std::vector<float>& values) const {
  std::map<std::string, size_t> before, behind, holes;
  size_t quotes = 0, known = 0;
  for (size_t r = 0; r < raw.size(); ++r) {
    if (std::isnan(values[r])) {
      ++holes[std::string(raw[r])];
      continue;
    }
    ++before[std::string(raw[r].substr(0, blanks_before(raw[r])))];
    ++behind[std::string(raw[r].substr(raw[r].size() - blanks_behind(raw[r])))];
    quotes += raw[r].substr(blanks_before(raw[r])).starts_with('"');
    ++known;
  }
  return {most_of(before), most_of(behind), most_of(holes), 2 * quotes > known};
}

std::optional<std::string> ColumnText::lacks(const std::vector<std::string_view>& raw,
                                             const std::vector<float>& values, int64_t* odd) const {
  const auto style = style_of(raw, values);
  const DecimalUnits units(cells_.column());
  std::vector<size_t> far, near;
  std::vector<int64_t> off;
  for (size_t r = 0; r < raw.size(); ++r) {
    if (canonical(cells_, style, values[r], delimiter_) == raw[r]) continue;
    const auto own =
        units.any() && !std::isnan(values[r]) ? units.read(cell_content(raw[r])) : std::nullopt;
    if (own && style.written(units.text(*own), delimiter_) == raw[r]) {
      near.push_back(r);
      off.push_back(*own - units.of_value(values[r]));
    } else {
      far.push_back(r);
    }
  }
  *odd = static_cast<int64_t>(far.size() + near.size());
  if (static_cast<double>(far.size()) > kMostOdd * static_cast<double>(raw.size())) return {};
  SideWriter out;
  out.text(style.before);
  out.text(style.behind);
  out.text(style.hole);
  out.number(style.quoted);
  put_rows(out, near);
  for (const auto by : off) out.difference(by);
  put_rows(out, far);
  for (const size_t r : far) out.text(raw[r]);
  return out.bytes();
}

std::vector<std::string> ColumnText::join(const Column& column, char delimiter,
                                          const std::vector<float>& values,
                                          std::string_view lacks) {
  SideReader in(lacks);
  CellStyle style;
  style.before = in.text();
  style.behind = in.text();
  style.hole = in.text();
  style.quoted = in.number() != 0;
  const Cells cells(column);
  std::vector<std::string> raw;
  for (const float value : values) raw.push_back(canonical(cells, style, value, delimiter));
  const DecimalUnits units(cells.column());
  for (const size_t r : take_rows(in, values.size())) {
    const auto own =
        static_cast<uint64_t>(units.of_value(values[r])) + static_cast<uint64_t>(in.difference());
    raw[r] = style.written(units.text(static_cast<int64_t>(own)), delimiter);
  }
  for (const size_t r : take_rows(in, values.size())) raw[r] = in.text();
  return raw;
}

namespace {

constexpr size_t kFewTexts = 128;  // each number of one takes a byte

}  // namespace

std::string plain_column(const std::vector<std::string_view>& raw) {
  std::unordered_map<std::string_view, size_t> number_of;
  std::vector<std::string_view> texts;
  for (const auto& cell : raw) {
    if (texts.size() > kFewTexts) break;
    if (number_of.emplace(cell, texts.size()).second) texts.push_back(cell);
  }
  SideWriter out;
  const bool few = texts.size() <= kFewTexts;
  out.number(few ? texts.size() : 0);
  for (const auto& text : few ? texts : raw) out.text(text);
  if (few && texts.size() > 1) {
    for (const auto& cell : raw) out.number(number_of[cell]);
  }
  return out.bytes();
}

std::vector<std::string> join_plain(std::string_view bytes, size_t rows) {
  SideReader in(bytes);
  const auto different = static_cast<size_t>(in.count());
  std::vector<std::string> raw, texts;
  for (size_t i = 0; i < different; ++i) texts.emplace_back(in.text());
  for (size_t r = 0; r < rows; ++r) {
    if (different == 0) {
      raw.emplace_back(in.text());
      continue;
    }
    const auto k = different == 1 ? 0 : static_cast<size_t>(in.number());
    check(k < different, "[coding] text of the table: names a text that it does not have");
    raw.push_back(texts[k]);
  }
  return raw;
}

}  // namespace elbo
