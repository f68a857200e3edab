#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "elbo/data/dataset.h"

namespace elbo {

/// Rows of floats, NaN where a cell is missing, as they are read one after the other. Many stay on
/// the disk: a file without a name in $TMPDIR, of which only the rows of a batch are in memory.
class RowStore {
 public:
  /// `most_in_memory`: floats beyond which rows go to the disk.
  explicit RowStore(int64_t width, size_t most_in_memory = size_t{1} << 25)
      : width_(width), most_in_memory_(most_in_memory) {}
  /// Rows that lie in a file already. Raises an Error where it has another size.
  RowStore(const std::string& path, int64_t width, int64_t rows);
  ~RowStore();
  RowStore(const RowStore&) = delete;
  RowStore& operator=(const RowStore&) = delete;

  void append(const std::vector<float>& row);
  int64_t size() const { return rows_; }
  int64_t width() const { return width_; }
  bool on_disk() const { return file_ >= 0; }
  /// [n, width] the rows named by a checked int64 tensor.
  Tensor rows(const Tensor& which) const;

 private:
  void write_out();

  int64_t width_, rows_ = 0, written_ = 0;
  size_t most_in_memory_;
  std::vector<float> memory_;
  int file_ = -1;
};

/// A file without a name in $TMPDIR.
int open_nameless();

/// What the cells of rows say, byte by byte, and which of them a model cannot read. Many stay on
/// the disk.
class RowTexts {
 public:
  /// Without `texts` only the cells that cannot be read are kept.
  explicit RowTexts(bool texts = true, size_t most_in_memory = size_t{1} << 27)
      : texts_(texts), most_in_memory_(most_in_memory) {}
  ~RowTexts();
  RowTexts(const RowTexts&) = delete;
  RowTexts& operator=(const RowTexts&) = delete;

  /// The cells of the next row, each closed by finish_cell().
  void finish_cell(std::string_view text);
  void finish_row(const std::vector<OddCell>& odd);
  std::string cell(int64_t row, int64_t column) const;
  std::vector<OddCell> odd(int64_t row) const;

 private:
  void write_out();

  bool texts_;
  size_t most_in_memory_;
  std::string memory_;        // cells, each behind its length
  size_t written_ = 0;        // bytes in the file
  std::vector<size_t> ends_;  // of rows
  int64_t rows_ = 0;
  std::unordered_map<int64_t, std::vector<OddCell>> odd_;
  int file_ = -1;
};

/// A table over such rows; behind the columns of x stand the label, where the schemas have one, and
/// the weight, where there is one column more.
Data stored_table(std::shared_ptr<RowStore> rows, Schemas schemas,
                  std::shared_ptr<const RowTexts> texts = nullptr);

}  // namespace elbo
