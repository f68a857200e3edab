#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "elbo/coding/side_bytes.h"
#include "elbo/data/column.h"

namespace elbo {

/// How the cells of one column stand in a file: what is around their text, whether all of them are
/// in quotes, and how a missing cell is written.
struct CellStyle {
  std::string before, behind, hole;
  bool quoted = false;

  std::string written(std::string_view text, char delimiter) const;
};

/// The cells of one column of a file as numbers that a model codes, and as what these lack.
class ColumnText {
 public:
  ColumnText(const Column& column, char delimiter) : cells_(column), delimiter_(delimiter) {}

  /// Of cells as they stand: values, NaN where a cell is missing or cannot be read.
  std::vector<float> read(const std::vector<std::string_view>& raw) const;
  /// What the values lack; nothing where most cells are not written as their value is. `odd`: how
  /// many are not.
  std::optional<std::string> lacks(const std::vector<std::string_view>& raw,
                                   const std::vector<float>& values, int64_t* odd) const;
  /// The cells as they stood.
  static std::vector<std::string> join(const Column& column, char delimiter,
                                       const std::vector<float>& values, std::string_view lacks);

 private:
  CellStyle style_of(const std::vector<std::string_view>& raw,
                     const std::vector<float>& values) const;

  Cells cells_;
  char delimiter_;
};

/// Cells of a column that no model reads: by the numbers of their different texts where these are
/// few, else one after the other.
std::string plain_column(const std::vector<std::string_view>& raw);
std::vector<std::string> join_plain(std::string_view bytes, size_t rows);

}  // namespace elbo
