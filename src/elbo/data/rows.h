#pragma once

#include "elbo/data/dataset.h"

namespace elbo {

/// A data set that can show the bytes of its rows without turning them into floats first.
/// Decorators pass the question on, so that binarization is one pass over any of them.
class ByteRows {
 public:
  virtual ~ByteRows() = default;
  /// numel(shape) bytes in [0, 255], or null where the rows are no bytes (the same for every row).
  virtual const uint8_t* bytes(int64_t row) const = 0;
  /// All of a batch but x.
  virtual Batch get_rest(const Tensor& rows) const = 0;
};

/// Rows that come from a disk: neighbours are cheaper to read together, and what will be asked for
/// is read ahead. Decorators pass both on.
class StreamedRows {
 public:
  virtual ~StreamedRows() = default;
  /// The first row of each block of neighbours, ascending from 0; empty = all rows are at hand.
  virtual std::vector<int64_t> blocks() const = 0;
  /// Says which rows get() will be asked for, in this order; replaces what was said before.
  virtual void expect(const Tensor& rows) const = 0;
  /// [N] labels of all rows without reading them; undefined = none.
  virtual Tensor labels() const = 0;
};
/// The data as streamed rows; null where all rows are at hand.
const StreamedRows* streamed(const Dataset& data);

/// Rows as a contiguous int64 tensor; raises an Error naming the first that lies outside 0 …
/// size-1.
Tensor checked_rows(const Tensor& rows, int64_t size);

}  // namespace elbo
