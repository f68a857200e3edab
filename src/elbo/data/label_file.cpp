#include <charconv>
#include <cmath>
#include <optional>
#include <set>

#include "elbo/data/label_rows.h"
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

/// The class of a name, or of a number of the same value; a place only where no name is a number.
int64_t label_of_cell(const std::string& cell, const std::vector<std::string>& names,
                      const std::string& where) {
  const auto found = std::find(names.begin(), names.end(), cell);
  if (found != names.end()) return found - names.begin();
  const auto number = class_number(cell);
  if (cell.empty() || number == -1) return -1;
  bool numbers = false;
  for (size_t k = 0; number && k < names.size(); ++k) {
    const auto named = class_number(names[k]);
    if (named == number) return static_cast<int64_t>(k);
    numbers = numbers || named;
  }
  const bool place = number && !numbers && *number < static_cast<int64_t>(names.size());
  check(place, "[labels] ", where, ": found \"", cell, "\", allowed: ", join(names),
        ", or nothing or -1 where it is not known");
  return *number;
}

/// Of rows of several numbers the first, as elbo classify writes them; NaN is an unknown class.
Tensor array_labels(const std::string& path) {
  auto y = parse_npy(read_file(path), path);
  if (y.dim() == 2) y = y.select(1, 0);
  if (torch::isFloatingType(y.scalar_type())) y = y.nan_to_num(-1);
  y = y.flatten();
  const auto whole = y.to(torch::kInt64);
  const auto other = (whole != y).nonzero();
  check(other.numel() == 0, "[labels] ", path, ": label ",
        other.numel() ? other[0].item<int64_t>() : 0, " is not a whole number");
  return whole;
}

/// 0 to the largest where 0 is among them, else those there are.
std::vector<std::string> number_names(const std::set<int64_t>& found) {
  std::vector<std::string> names;
  if (found.count(0) > 0) {
    for (int64_t k = 0; k <= *found.rbegin(); ++k) names.push_back(std::to_string(k));
  } else {
    for (const int64_t k : found) names.push_back(std::to_string(k));
  }
  return names;
}

}  // namespace

std::vector<std::string> label_names(const std::string& path) {
  std::set<std::string> found;
  std::set<int64_t> numbers;
  bool words = false;
  if (path.ends_with(".npy")) {
    const auto y = array_labels(path);
    for (int64_t i = 0; i < y.numel(); ++i) numbers.insert(y.data_ptr<int64_t>()[i]);
  } else {
    for (const auto& cell : label_cells(path)) {
      if (!cell.empty()) found.insert(cell);
    }
    for (const auto& name : found) {
      const auto number = class_number(name);
      words = words || !number;
      if (number) numbers.insert(*number);
    }
  }
  numbers.erase(-1);
  found.erase("-1");
  const int64_t last = numbers.empty() ? -1 : *numbers.rbegin();
  check(last < kMostNamed, "[labels] ", path, ": class ", last, ", at most ", kMostNamed - 1);
  auto names = words ? std::vector<std::string>(found.begin(), found.end()) : number_names(numbers);
  check(!names.empty(), "[labels] ", path, ": names no class");
  return names;
}

Tensor read_labels(const std::string& path, const std::vector<std::string>& names, int64_t rows) {
  std::vector<std::string> cells;
  if (path.ends_with(".npy")) {
    const auto numbers = array_labels(path).contiguous();
    for (int64_t i = 0; i < numbers.numel(); ++i) {
      cells.push_back(std::to_string(numbers.data_ptr<int64_t>()[i]));
    }
  } else {
    cells = label_cells(path);
  }
  check(static_cast<int64_t>(cells.size()) == rows, "[labels] ", path, ": has ", cells.size(),
        " labels, the data have ", rows, " rows");
  const auto y = torch::empty({rows}, torch::kInt64);
  for (size_t i = 0; i < cells.size(); ++i) {
    y.data_ptr<int64_t>()[i] =
        label_of_cell(cells[i], names, path + ": label " + std::to_string(i + 1));
  }
  return y;
}

}  // namespace elbo
