#pragma once

#include <array>
#include <memory>
#include <vector>

#include "elbo/io/records.h"

namespace elbo {

/// Records of a delimited text file (RFC 4180), one after the other in bounded memory: quotes, line
/// breaks within them, a byte-order mark, LF, CRLF or CR; also gzip'ed or alone in a zip archive;
/// "-" is standard input. What cannot be read raises an Error naming line and column (both from 1).
class CsvReader : public Records {
 public:
  /// The delimiter is found out (tab, ;, |, comma, spaces between numbers) where it is 0; a space
  /// stands for any number of them.
  explicit CsvReader(const std::string& path, char delimiter = 0);
  ~CsvReader() override;

  /// The next record that is not a blank line.
  bool next() override;
  int64_t size() const override { return static_cast<int64_t>(cells_.size()); }
  std::string_view cell(int64_t i) const override;
  std::string_view raw(int64_t i) const override;
  bool quoted(int64_t i) const { return cells_[static_cast<size_t>(i)].quoted; }
  /// "\n", "\r\n", "\r", or nothing after an unfinished last line.
  std::string_view line_end() const override { return line_end_; }
  /// Where the record begins.
  int64_t line() const override { return line_; }
  std::string unit() const override { return "line"; }
  int64_t blank_lines() const override { return blank_lines_; }
  char delimiter() const override { return delimiter_; }
  bool marked() const override { return marked_; }

 private:
  struct Source;
  struct Cell {
    size_t from, to;  // raw bytes in buffer_
    bool quoted;
    size_t text_from, text_size;  // of a quoted cell, in unquoted_
  };
  bool fill();
  bool read_record();
  size_t skip_spaces(size_t at);
  size_t read_cell(size_t at);
  size_t read_quoted_cell(size_t at);
  size_t end_record(size_t at);
  bool more(size_t at);
  [[noreturn]] void refuse(const std::string& what) const;
  void begin();

  std::unique_ptr<Source> source_;
  std::string buffer_, unquoted_;
  size_t start_ = 0, end_ = 0;  // of the record; of what has been consumed
  std::vector<Cell> cells_;
  std::string line_end_;
  int64_t line_ = 0, next_line_ = 1, blank_lines_ = 0;
  char delimiter_;
  bool marked_ = false, at_end_ = false;
  std::array<bool, 256> ends_cell_{};  // by byte
};

/// A cell as it is written: in quotes where the text needs them.
std::string csv_cell(std::string_view text, char delimiter);
/// The delimiter that lines of text agree on; a comma where none shows.
char sniff_delimiter(std::string_view head);
/// Whether the bytes are UTF-8.
bool is_utf8(std::string_view text);

}  // namespace elbo
