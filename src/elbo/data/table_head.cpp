#include "elbo/data/table_head.h"

#include <algorithm>
#include <map>
#include <set>

#include "elbo/data/column.h"

namespace elbo {
namespace {

constexpr size_t kHeadRecords = 200, kFewestRecords = 20;
constexpr size_t kHeadCells = 20000;  // of a wide table fewer records are looked at

using Record = std::vector<std::string>;

enum class What { kEmpty, kMissing, kNumber, kDate, kText };

What what_is(const std::string& cell, const std::vector<std::string>& words) {
  if (cell.empty()) return What::kEmpty;
  if (std::find(words.begin(), words.end(), cell) != words.end() || is_absent_word(cell)) {
    return What::kMissing;
  }
  if (is_date(cell)) return What::kDate;
  SpellingEvidence spelling;
  if (spelling.add(cell)) return What::kNumber;
  try {
    const bool digits = cell.find_first_not_of("+-.,0123456789eE") == std::string::npos;
    if (digits && parse_number(cell, true)) return What::kNumber;
  } catch (const Error&) {
    return What::kNumber;  // beyond the range
  }
  return What::kText;
}

/// What most cells of a column below the first are, and which texts stand there.
struct Below {
  std::map<What, int64_t> counts;
  std::map<std::string, int64_t> cells;
  int64_t known = 0, repeated = 0;
  bool decimals = false;

  Below(const std::vector<Record>& rows, size_t from, size_t column,
        const std::vector<std::string>& words) {
    for (size_t r = from; r < rows.size(); ++r) {
      if (column >= rows[r].size()) continue;
      const auto& cell = rows[r][column];
      const auto what = what_is(cell, words);
      if (what == What::kEmpty || what == What::kMissing) continue;
      ++counts[what];
      ++known;
      decimals = decimals || cell.find('.') != std::string::npos;
      repeated += ++cells[cell] > 1;
    }
  }
  bool mostly(What what) const {
    const auto at = counts.find(what);
    return at != counts.end() && 10 * at->second >= 9 * known;
  }
};

/// Names that number their columns: 2019, 2020, 2021; 0, 1, 2.
bool counts_up(const Record& cells) {
  double last = 0;
  int64_t numbers = 0;
  for (const auto& cell : cells) {
    const bool whole = !cell.empty() && cell.find_first_not_of("0123456789") == std::string::npos;
    if (!whole || cell.size() > 9) continue;
    const double number = std::stod(cell);
    if (numbers > 0 && number != last + 1) return false;
    last = number;
    ++numbers;
  }
  return numbers >= 2;
}

/// For (positive) and against names, column by column.
struct Contrast {
  int64_t for_names = 0, against = 0;
  bool odd_names = false;  // a number, a date or a word for a missing cell among them
};

Contrast contrast_of(const std::vector<Record>& rows, size_t first,
                     const std::vector<std::string>& words) {
  Contrast c;
  const auto& names = rows[first];
  const bool up = counts_up(names);
  std::set<std::string> different;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto what = what_is(names[i], words);
    const Below below(rows, first + 1, i, words);
    if (what == What::kEmpty || below.known == 0) continue;
    const bool here = below.cells.count(names[i]) > 0;
    const bool text = what == What::kText || what == What::kMissing;
    c.odd_names = c.odd_names || what != What::kText;
    different.insert(names[i]);
    if (below.mostly(What::kNumber) || below.mostly(What::kDate)) {
      if (what == What::kText) c.for_names += 4;
      if (what == What::kNumber && below.mostly(What::kDate)) c.for_names += 2;
      if (what == What::kDate && below.mostly(What::kNumber)) c.for_names += 2;
      if (what == What::kNumber && below.mostly(What::kNumber)) {
        const bool contrast = up || (below.decimals && names[i].find('.') == std::string::npos);
        contrast && !here ? ++c.for_names : ++c.against;
      }
      if (what == What::kDate && below.mostly(What::kDate)) ++c.against;
    } else if (text) {
      // A class comes again; a name stands once.
      if (here) c.against += 2;
      if (!here && 2 * below.repeated > below.known) c.for_names += 1;
    } else {
      ++c.against;
    }
  }
  if (2 * different.size() < names.size()) c.against += 2;
  return c;
}

bool all_texts(const Record& cells, const std::vector<std::string>& words) {
  return std::all_of(cells.begin(), cells.end(),
                     [&](const auto& cell) { return what_is(cell, words) == What::kText; });
}

/// The number of cells that most records have.
size_t usual_width(const std::vector<Record>& rows) {
  std::map<size_t, int64_t> widths;
  for (const auto& row : rows) ++widths[row.size()];
  return std::max_element(widths.begin(), widths.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

bool is_comment(const Record& row) { return !row.empty() && row[0].starts_with('#'); }

/// A line of text without number in columns of numbers: units.
bool holds_units(const std::vector<Record>& rows, size_t at,
                 const std::vector<std::string>& words) {
  int64_t contrasts = 0;
  for (size_t i = 0; i < rows[at].size(); ++i) {
    const auto what = what_is(rows[at][i], words);
    if (what == What::kNumber || what == What::kDate) return false;
    const Below below(rows, at + 1, i, words);
    const bool numbers = below.known > 1 && below.mostly(What::kNumber);
    if (!numbers && what == What::kText && below.cells.count(rows[at][i]) > 0) return false;
    contrasts += numbers && what == What::kText;
  }
  return contrasts > 0 && 2 * contrasts >= static_cast<int64_t>(rows[at].size()) - 1;
}

std::string first_words(const Record& row) {
  std::string text;
  for (const auto& cell : row) text += (text.empty() ? "" : ", ") + cell;
  constexpr size_t kShown = 60;
  if (text.size() <= kShown) return text;
  auto end = kShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) >> 6) == 2) --end;
  return text.substr(0, end) + " …";
}

}  // namespace

TableHead read_head(Records& records, const std::string& header,
                    const std::vector<std::string>& words) {
  std::vector<Record> rows;
  size_t most = kHeadRecords;
  while (rows.size() < most && records.next()) {
    const auto width = static_cast<size_t>(std::max<int64_t>(1, records.size()));
    most = std::clamp(kHeadCells / width, kFewestRecords, kHeadRecords);
    Record row;
    for (int64_t i = 0; i < records.size(); ++i) row.emplace_back(trimmed(records.cell(i)));
    rows.push_back(std::move(row));
  }
  TableHead head;
  if (rows.empty()) return head;
  const auto width = usual_width(rows);
  size_t at = 0;
  const auto title = [&](const Record& row) { return row.size() == 1 && width > 1; };
  while (at + 1 < rows.size() && (is_comment(rows[at]) || title(rows[at]))) {
    head.comments = head.comments || is_comment(rows[at]);
    ++at;
  }
  const bool given = header != "auto";
  if (at > 0 && is_comment(rows[at - 1]) && rows[at - 1].size() == width && width > 1) {
    const auto c = contrast_of(rows, at, words);
    head.hash_names = header == "yes" || (!given && c.for_names <= c.against);
    if (head.hash_names) --at;
  }
  head.skipped = static_cast<int64_t>(at);
  if (at > 0) {
    head.notes.push_back(std::to_string(at) + (at == 1 ? " line" : " lines") +
                         " before the table left out: " + first_words(rows[0]));
  }
  const auto c = contrast_of(rows, at, words);
  const bool unclear = c.for_names == c.against;
  const bool alone = at + 1 == rows.size();  // words without rows below are names
  const bool all_words = !c.odd_names && !unclear;
  head.header = given ? header == "yes"
                      : head.hash_names || c.for_names > c.against || (unclear && !c.odd_names) ||
                            (alone && all_texts(rows[at], words));
  if (!given && head.header && !head.hash_names && !all_words) {
    head.notes.push_back("the first line names the columns: " + first_words(rows[at]) +
                         " (--header no reads it as a row)");
  }
  if (!given && !head.header) {
    head.notes.push_back(
        "the first line is a row, columns are called x0, x1, … (--header yes takes "
        "it for names)");
  }
  if (head.header && at + 2 < rows.size() && holds_units(rows, at + 1, words)) {
    head.units = true;
    head.notes.push_back("the line below the names left out, it holds units: " +
                         first_words(rows[at + 1]));
  }
  const auto rest = std::count_if(
      rows.begin() + static_cast<int64_t>(at) + 1, rows.end(),
      [&](const Record& row) { return row.size() == rows[at].size() + 1 && row.back().empty(); });
  if (head.header && rest > 0 &&
      rest + static_cast<int64_t>(at) + 1 == static_cast<int64_t>(rows.size())) {
    head.last_empty = true;
    head.notes.push_back("the delimiter at the end of each row is not a column");
  }
  return head;
}

}  // namespace elbo
