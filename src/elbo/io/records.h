#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace elbo {

/// Rows of cells of text, read one after the other in bounded memory: of a text file, a database.
class Records {
 public:
  explicit Records(std::string path) : path_(std::move(path)) {}
  virtual ~Records() = default;
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;

  /// The next record; false at the end. Earlier views become invalid. What cannot be read raises an
  /// Error.
  virtual bool next() = 0;
  virtual int64_t size() const = 0;
  /// A cell without its quotes, and its bytes as they stand (or would) in delimited text.
  virtual std::string_view cell(int64_t i) const = 0;
  virtual std::string_view raw(int64_t i) const = 0;
  virtual std::string_view line_end() const { return "\n"; }
  virtual char delimiter() const { return ','; }
  /// The number of the record, from 1, and what is counted: "line", "row".
  virtual int64_t line() const = 0;
  virtual std::string unit() const = 0;
  /// Whether the first record surely names the columns.
  virtual bool names_first() const { return false; }
  /// Lines that were skipped; whether the file began with a UTF-8 byte-order mark.
  virtual int64_t blank_lines() const { return 0; }
  virtual bool marked() const { return false; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace elbo
