#pragma once

#include <string>
#include <vector>

#include "elbo/data/dataset.h"

namespace elbo {

/// Rows in the order of time; neighbours may share steps.
class OrderedRows {
 public:
  virtual ~OrderedRows() = default;
  /// How many rows on either side of a row share a step with it.
  virtual int64_t overlap() const = 0;
};

/// A series of measurements.
struct Steps {
  Tensor values;                      // [T, C] float32, NaN where a cell is missing
  Tensor labels;                      // [T] int64, -1 = unknown; undefined = none
  std::vector<std::string> names;     // of the steps: their times, or their places in the file
  std::vector<int64_t> begins = {0};  // first steps behind a gap
};

/// Windows of `window` steps that span no gap, each `stride` steps after the one before, as rows
/// [window, C] (or [C] where it is 1). A row has the name and the label of its last step.
/// `schemas.x.shape` is that of a row. Raises an Error where no window fits.
Data windows(Steps steps, int64_t window, int64_t stride, Schemas schemas);

}  // namespace elbo
