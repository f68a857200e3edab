#include "elbo/io/csv.h"
#include "fuzz/harness.h"

namespace elbo::fuzzing {
namespace {

using Rows = std::vector<std::vector<std::string>>;

Rows rows_of(std::string_view bytes, const std::string& ending, char delimiter) {
  CsvReader reader(file_of(bytes, ending), delimiter);
  Rows rows;
  while (reader.next()) {
    rows.emplace_back();
    for (int64_t i = 0; i < reader.size(); ++i) rows.back().emplace_back(reader.cell(i));
  }
  return rows;
}

/// Cells that were read, written and read again are the same.
void read_csv_twice(std::string_view bytes) {
  const auto rows = rows_of(bytes, ".csv", 0);
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      const bool alone = row.size() == 1 && row[i].empty();  // else a blank line, which is skipped
      text += (i == 0 ? "" : ",") + (alone ? "\"\"" : csv_cell(row[i], ','));
    }
    text += "\n";
  }
  const bool marked = text.starts_with("\xEF\xBB\xBF") || text.starts_with("\xFF\xFE") ||
                      text.starts_with("\xFE\xFF") || text.starts_with("\x1f\x8b") ||
                      text.starts_with("PK");
  if (marked) return;  // would be read as something else than delimited text
  must(rows_of(text, ".again.csv", ',') == rows, "cells that were written read as others");
}

const bool csv_added = add_harness("csv", read_csv_twice);

}  // namespace
}  // namespace elbo::fuzzing
