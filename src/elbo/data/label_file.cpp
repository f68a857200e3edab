#include <charconv>
#include <cmath>
#include <optional>
#include <set>

#include "elbo/data/rows.h"
#include "elbo/io/csv.h"
#include "elbo/io/file.h"
#include "elbo/io/npy.h"

namespace elbo {
namespace {

constexpr int64_t kMostNamed = 65536;

/// The cells of the column "class" or "label"; without such a name of the first column, whose head
/// is then a cell as well.
std::vector<std::string> label_cells(const std::string& path) {
  CsvReader file(path);
  check(file.next(), "[labels] ", path, ": is empty");
  int64_t column = 0;
  std::vector<std::string> cells;
  bool named = false;
  for (int64_t i = 0; i < file.size() && !named; ++i) {
    named = file.cell(i) == "class" || file.cell(i) == "label";
    if (named) column = i;
  }
  const bool alone = file.size() == 1;
  if (!named) cells.emplace_back(file.cell(0));
  // Where nothing else stands in a line, a blank one is a row without a label.
  int64_t blank = file.blank_lines();
  const auto add_blank = [&] {
    for (; alone && blank < file.blank_lines(); ++blank) cells.emplace_back();
  };
  while (file.next()) {
    add_blank();
    check(column < file.size(), "[labels] ", path, ": line ", file.line(), " has ", file.size(),
          " cells, the labels are in column ", column + 1);
    cells.emplace_back(file.cell(column));
  }
  add_blank();
  return cells;
}

/// A number of a class, or -1; nothing where the cell is neither.
std::optional<int64_t> class_number(const std::string& cell) {
  double number = 0;
  const auto [end, problem] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  const bool whole = problem == std::errc() && end == cell.data() + cell.size() &&
                     number == std::floor(number) && number >= -1 && number < kMostNamed;
  return whole ? std::optional(static_cast<int64_t>(number)) : std::nullopt;
}

int64_t label_of_cell(const std::string& cell, const std::vector<std::string>& names,
                      const std::string& where) {
  if (cell.empty()) return -1;
  const auto found = std::find(names.begin(), names.end(), cell);
  if (found != names.end()) return found - names.begin();
  const auto number = class_number(cell);
  check(number && *number < static_cast<int64_t>(names.size()), "[labels] ", where, ": found \"",
        cell, "\", allowed: ", join(names), ", or nothing or -1 where it is not known");
  return *number;
}

Tensor array_labels(const std::string& path) {
  const auto y = parse_npy(read_file(path), path).flatten();
  const auto whole = y.to(torch::kInt64);
  const auto other = (whole != y).nonzero();
  check(other.numel() == 0, "[labels] ", path, ": label ",
        other.numel() ? other[0].item<int64_t>() : 0, " is not a whole number");
  return whole;
}

}  // namespace

std::vector<std::string> label_names(const std::string& path) {
  std::set<std::string> found;
  int64_t last = -1;
  bool numbers = true;
  if (path.ends_with(".npy")) {
    const auto y = array_labels(path);
    if (y.numel() > 0) last = y.max().item<int64_t>();
  } else {
    for (const auto& cell : label_cells(path)) {
      if (!cell.empty()) found.insert(cell);
    }
    for (const auto& name : found) {
      const auto number = class_number(name);
      numbers = numbers && number;
      if (number) last = std::max(last, *number);
    }
  }
  check(last < kMostNamed, "[labels] ", path, ": class ", last, ", at most ", kMostNamed - 1);
  std::vector<std::string> names;
  for (int64_t k = 0; numbers && k <= last; ++k) names.push_back(std::to_string(k));
  if (!numbers) names.assign(found.begin(), found.end());
  check(!names.empty(), "[labels] ", path, ": names no class");
  return names;
}

Tensor read_labels(const std::string& path, const std::vector<std::string>& names, int64_t rows) {
  const auto classes = static_cast<int64_t>(names.size());
  Tensor y;
  if (path.ends_with(".npy")) {
    y = array_labels(path);
    const bool known =
        y.numel() == 0 || (y.min().item<int64_t>() >= -1 && y.max().item<int64_t>() < classes);
    check(known, "[labels] ", path, ": allowed are -1 (not known) to ", classes - 1);
  } else {
    const auto cells = label_cells(path);
    y = torch::empty({static_cast<int64_t>(cells.size())}, torch::kInt64);
    for (size_t i = 0; i < cells.size(); ++i) {
      y[static_cast<int64_t>(i)] =
          label_of_cell(cells[i], names, path + ": label " + std::to_string(i + 1));
    }
  }
  check(y.size(0) == rows, "[labels] ", path, ": has ", y.size(0), " labels, the data have ", rows,
        " rows");
  return y.contiguous();
}

}  // namespace elbo
