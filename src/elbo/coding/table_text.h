#pragma once

#include <string>
#include <string_view>

#include "elbo/core/api.h"
#include "elbo/data/dataset.h"

namespace ELBO_API elbo {

/// A file of delimited text as what a model of a table codes, and all else.
struct TableParts {
  /// [N, D] and which of its cells are coded; both undefined where nothing of the file is a row of
  /// the table. A column whose cells the model could not give back has none.
  Tensor x, mask;
  /// Header, line ends, quotes, spaces, columns that the model does not read, and cells whose text
  /// is not the one that their value is written as; packed.
  std::string side;
  int64_t odd_cells = 0, odd_lines = 0;  // of those
};

/// Any bytes; of a file that is packed itself: what it unpacks to. What join_table() makes of the
/// parts is compared with the bytes, and a file for which the two would differ is kept as it is.
TableParts split_table_text(std::string_view bytes, const Schema& table);
/// The same parts for a file that is kept as it is, packed.
TableParts kept_text(std::string_view bytes);
/// The bytes again. Raises an Error where the parts do not belong together.
std::string join_table_text(const TableParts& parts, const Schema& table);
/// Rows that the side belongs to.
int64_t rows_of_side(const std::string& side);

}  // namespace elbo
