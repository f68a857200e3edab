#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

/// Rows of numbers written block by block, so that memory stays bounded. The file appears under
/// its name when commit() finds it complete.
class RowFile {
 public:
  virtual ~RowFile() = default;
  /// [n, …]: the next n rows.
  virtual void append(const Tensor& rows) = 0;
  virtual void commit() = 0;
};

/// What a row file will hold.
struct RowPlan {
  int64_t rows = 0;
  Shape shape;                       // of one row
  bool whole = false;                // int64 instead of float32
  std::vector<std::string> columns;  // names for text files; empty = x0, x1, …
  Tensor origin = Tensor();          // [1, shape…] float64, put back on; the file is float64 then
  std::vector<std::string> classes = {};  // text files: words for the numbers of the first column
  std::function<std::string(int64_t)> row_name = nullptr;  // text files: a column before the others
  std::string row_column = "row";                          // and its name
};
/// Whether the extension names a format of row files: .npy, .csv, .tsv.
bool is_row_file(const std::string& path);
/// The format follows from the extension; another one is an Error naming the known ones.
std::unique_ptr<RowFile> create_row_file(const std::string& path, RowPlan plan);

}  // namespace elbo
