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

/// A data set over another: everything is the other's, row by row, but what a decorator overrides.
class DataAround : public Dataset, public ByteRows, public StreamedRows {
 public:
  explicit DataAround(Data data)
      : data_(std::move(data)), bytes_(dynamic_cast<const ByteRows*>(data_.get())) {}

  int64_t size() const override { return data_->size(); }
  Batch get(const Tensor& rows, const Draw& draw) const override { return data_->get(rows, draw); }
  Schemas schemas() const override { return data_->schemas(); }
  Tensor factors() const override { return data_->factors(); }
  Tensor weights() const override { return data_->weights(); }
  std::string row_name(int64_t row) const override { return data_->row_name(row); }
  std::vector<OddCell> odd_cells(int64_t row) const override { return data_->odd_cells(row); }
  std::string cell_text(int64_t row, int64_t component) const override {
    return data_->cell_text(row, component);
  }

  const uint8_t* bytes(int64_t row) const override { return bytes_ ? bytes_->bytes(row) : nullptr; }
  /// Only where bytes() are there.
  Batch get_rest(const Tensor& rows) const override { return bytes_->get_rest(rows); }

  std::vector<int64_t> blocks() const override {
    const auto* rows = streamed(*data_);
    return rows ? rows->blocks() : std::vector<int64_t>();
  }
  void expect(const Tensor& rows) const override {
    if (const auto* inner = streamed(*data_)) inner->expect(rows);
  }
  /// Only where the data are streamed.
  Tensor labels() const override { return streamed(*data_)->labels(); }

 protected:
  const Dataset& inside() const { return *data_; }

 private:
  Data data_;
  const ByteRows* bytes_;
};

/// From this many rows on, lists of rows in memory are of int32, since they weigh beside the rows.
inline bool wants_short_rows(int64_t rows) { return rows >= (1 << 22) && rows <= INT32_MAX; }

/// A tensor over a list of rows, not a copy.
template <class Row>
Tensor rows_tensor(std::vector<Row> rows) {
  const auto kept = std::make_shared<std::vector<Row>>(std::move(rows));
  const auto size = static_cast<int64_t>(kept->size());
  constexpr auto type = sizeof(Row) == sizeof(int32_t) ? torch::kInt32 : torch::kInt64;
  return torch::from_blob(
      kept->data(), {size}, [kept](void*) {}, type);
}

/// The given rows of another data set, an int64 or int32 tensor.
Data subset_of(Data data, Tensor rows);

/// Rows as a contiguous int64 tensor; raises an Error naming the first that lies outside 0 …
/// size-1.
Tensor checked_rows(const Tensor& rows, int64_t size);

}  // namespace elbo
