#pragma once

#include <memory>
#include <string>

#include "elbo/data/dataset.h"
#include "elbo/data/open.h"

namespace elbo {

/// Rows that come one by one, from a file or ("-") standard input, as a known model reads them.
class RowStream {
 public:
  virtual ~RowStream() = default;
  /// Waits for the next row; false at the end. Raises an Error naming line and column of what
  /// cannot be read.
  virtual bool next() = 0;
  /// The present row, [1, …].
  virtual Batch batch() const = 0;
  /// Its time, or its number from 0.
  virtual std::string name() const = 0;
  /// As a Dataset's, of the present row.
  virtual std::vector<OddCell> odd_cells() const { return {}; }
  virtual std::string cell_text(int64_t) const { return ""; }
};
/// Delimited text for tables, columns of numbers and series; other models raise an Error. `reader`
/// are the options with which the training data were read; `odd`: see DataOptions.
std::unique_ptr<RowStream> open_stream(const std::string& path, const Schemas& schemas,
                                       const Json& reader, OddCells odd = OddCells::kRefused);

}  // namespace elbo
