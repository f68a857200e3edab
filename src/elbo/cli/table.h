#pragma once

#include <string>
#include <vector>

namespace elbo {

/// Columns of the terminal, or as COLUMNS says; 0 = neither: lines are not broken.
size_t output_columns();
/// Text in lines of at most `most` characters (0 = one line), broken at spaces; lines behind the
/// first begin with `indent` spaces.
std::string wrapped(const std::string& text, size_t most, size_t indent);

/// The text in bold and a colour of the terminal (33 = yellow, 31 = red), where the file is one
/// that shows it and NO_COLOR does not forbid it.
std::string coloured(const std::string& text, int color, int file);

/// A table for people: columns as wide as their widest cell, numbers to the right.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// Within `most` characters a line, where the longest texts can be broken; 0 = as wide as it is.
  std::string text(size_t most = 0) const;
  std::string markdown() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace elbo
