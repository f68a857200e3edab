#include "elbo/cli/table.h"

#include <algorithm>

namespace elbo {
namespace {

bool is_number(const std::string& cell) {
  return !cell.empty() && cell.find_first_not_of("0123456789.,-+eE% ") == std::string::npos;
}

/// Characters of UTF-8 text.
size_t length(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string TextTable::text() const {
  const size_t columns = rows_.front().size();
  std::vector<size_t> width(columns, 0);
  std::vector<bool> right(columns, rows_.size() > 1);
  for (size_t r = 0; r < rows_.size(); ++r) {
    for (size_t i = 0; i < columns; ++i) {
      width[i] = std::max(width[i], length(rows_[r][i]));
      if (r > 0 && !is_number(rows_[r][i])) right[i] = false;
    }
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < columns; ++i) {
      const std::string gap(width[i] - length(row[i]), ' ');
      line += (i > 0 ? "  " : "") + (right[i] ? gap + row[i] : row[i] + gap);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string TextTable::markdown() const {
  std::string text;
  for (size_t r = 0; r < rows_.size(); ++r) {
    for (const auto& cell : rows_[r]) {
      text += "| ";
      for (char c : cell) text += c == '|' ? "\\|" : std::string(1, c);
      text += " ";
    }
    text += "|\n";
    if (r > 0) continue;
    for (size_t i = 0; i < rows_[r].size(); ++i) text += "| --- ";
    text += "|\n";
  }
  return text;
}

}  // namespace elbo
