#include <charconv>
#include <cmath>

#include "elbo/data/rows.h"
#include "elbo/io/csv.h"
#include "elbo/io/file.h"
#include "elbo/io/npy.h"

namespace elbo {
namespace {

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
  if (!named) cells.emplace_back(file.cell(0));
  while (file.next()) {
    check(column < file.size(), "[labels] ", path, ": line ", file.line(), " has ", file.size(),
          " cells, the labels stand in column ", column + 1);
    cells.emplace_back(file.cell(column));
  }
  return cells;
}

int64_t label_of_cell(const std::string& cell, const std::vector<std::string>& names,
                      const std::string& where) {
  if (cell.empty()) return -1;
  const auto found = std::find(names.begin(), names.end(), cell);
  if (found != names.end()) return found - names.begin();
  double number = 0;
  const auto [end, problem] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  const bool whole = problem == std::errc() && end == cell.data() + cell.size() &&
                     number == std::floor(number) && number >= -1 &&
                     number < static_cast<double>(names.size());
  check(whole, "[labels] ", where, ": found \"", cell, "\", allowed: ", join(names),
        ", or nothing or -1 where it is not known");
  return static_cast<int64_t>(number);
}

}  // namespace

Tensor read_labels(const std::string& path, const std::vector<std::string>& names, int64_t rows) {
  const auto classes = static_cast<int64_t>(names.size());
  Tensor y;
  if (path.ends_with(".npy")) {
    y = parse_npy(read_file(path), path).flatten().to(torch::kInt64);
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
