#include "elbo/cli/table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <sstream>

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

/// The lines of a cell of this width; a word that is longer stays whole.
std::vector<std::string> lines_of(const std::string& cell, size_t width) {
  std::vector<std::string> lines;
  std::istringstream words(cell);
  for (std::string word; words >> word;) {
    const bool fits = !lines.empty() && length(lines.back()) + 1 + length(word) <= width;
    if (fits) {
      lines.back() += " " + word;
    } else {
      lines.push_back(word);
    }
  }
  if (lines.empty()) lines.emplace_back();
  return lines;
}

size_t longest_word(const std::string& cell) {
  size_t most = 0;
  for (const auto& line : lines_of(cell, 1)) most = std::max(most, length(line));
  return most;
}

/// Narrows the widest columns until the line fits, no further than their longest words.
void narrow(std::vector<size_t>& width, const std::vector<size_t>& least, size_t most) {
  const auto total = [&] {
    return std::accumulate(width.begin(), width.end(), 2 * (width.size() - 1));
  };
  while (total() > most) {
    size_t widest = width.size();
    for (size_t i = 0; i < width.size(); ++i) {
      if (width[i] > least[i] && (widest == width.size() || width[i] > width[widest])) widest = i;
    }
    if (widest == width.size()) return;
    --width[widest];
  }
}

}  // namespace

std::string coloured(const std::string& text, int color, int file) {
  const char* forbidden = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool plain = (forbidden && *forbidden) || (terminal && std::string(terminal) == "dumb");
  if (plain || ::isatty(file) == 0) return text;
  return "\033[1;" + std::to_string(color) + "m" + text + "\033[0m";
}

size_t output_columns() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  const char* told = std::getenv("COLUMNS");
  const long columns = told ? std::strtol(told, nullptr, 10) : 0;
  return columns > 20 ? static_cast<size_t>(columns) : 0;
}

std::string wrapped(const std::string& text, size_t most, size_t indent) {
  if (most == 0 || length(text) <= most) return text;
  std::string out, line;
  size_t from = 0;
  while (from < text.size()) {
    const size_t to = std::min(text.find(' ', from), text.size());
    const auto word = text.substr(from, to - from);
    const bool blank = line.find_first_not_of(' ') == std::string::npos;
    if (!blank && length(line) + 1 + length(word) > most) {
      line.erase(line.find_last_not_of(' ') + 1);
      out += line + "\n";
      line = std::string(indent, ' ') + word;
    } else {
      line += (from == 0 ? "" : " ") + word;
    }
    from = to + 1;
  }
  return out + line;
}

std::string TextTable::text(size_t most) const {
  const size_t columns = rows_.front().size();
  std::vector<size_t> least(columns, 0);
  std::vector<size_t> width(columns, 0);
  std::vector<bool> right(columns, rows_.size() > 1);
  for (size_t r = 0; r < rows_.size(); ++r) {
    for (size_t i = 0; i < columns; ++i) {
      width[i] = std::max(width[i], length(rows_[r][i]));
      least[i] = std::max(least[i], longest_word(rows_[r][i]));
      if (r > 0 && !is_number(rows_[r][i])) right[i] = false;
    }
  }
  // What is not a number is broken, down to a width that can be read.
  constexpr size_t kNarrowest = 12;
  for (size_t i = 0; i < columns; ++i) {
    least[i] = right[i] ? width[i] : std::max(least[i], std::min(width[i], kNarrowest));
  }
  if (most > 0) narrow(width, least, most);
  std::string text;
  for (const auto& row : rows_) {
    std::vector<std::vector<std::string>> cells;
    size_t height = 1;
    for (size_t i = 0; i < columns; ++i) {
      cells.push_back(length(row[i]) > width[i] ? lines_of(row[i], width[i])
                                                : std::vector<std::string>{row[i]});
      height = std::max(height, cells.back().size());
    }
    for (size_t k = 0; k < height; ++k) {
      std::string line;
      for (size_t i = 0; i < columns; ++i) {
        const auto cell = k < cells[i].size() ? cells[i][k] : "";
        const std::string gap(width[i] - std::min(width[i], length(cell)), ' ');
        line += (i > 0 ? "  " : "") + (right[i] ? gap + cell : cell + gap);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
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
