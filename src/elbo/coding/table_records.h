#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace elbo {

/// A record of delimited text, no byte of it left out: cells as they stand, quotes and spaces
/// included, and what ends the line. Between spaces, which may be several, cells begin with them.
struct TextRecord {
  std::vector<std::string_view> cells;
  std::string_view end, all;
};

/// All records of a text behind its byte-order mark, cut as CsvReader cuts them; it never fails.
std::vector<TextRecord> text_records(std::string_view bytes, char delimiter);
/// What a cell says: without quotes, and without blanks at its ends.
std::string cell_content(std::string_view raw);

/// Where the columns of a schema are in the records of a file.
struct RecordLayout {
  size_t first = 0;                             // the first record that may be a row
  size_t width = 0;                             // cells of a row
  std::vector<std::optional<size_t>> place_of;  // of each column; nothing where the file lacks it
};
/// By the names in one of the first records, or (names empty) by place. Nothing where no column is
/// found.
std::optional<RecordLayout> find_layout(const std::vector<TextRecord>& records,
                                        const std::vector<std::string>& names, bool header);

}  // namespace elbo
