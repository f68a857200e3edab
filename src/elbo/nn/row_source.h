#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "elbo/core/tensor.h"

// A picture that is computed a band of rows after the other, so that no layer's output need be in
// memory as a whole. Without gradients.

namespace elbo {

/// Rows of one picture, asked for from the top down; neighbouring requests may overlap.
class RowSource {
 public:
  explicit RowSource(Shape shape);
  virtual ~RowSource() = default;
  RowSource(const RowSource&) = delete;
  RowSource& operator=(const RowSource&) = delete;

  /// Channels, height and width of the whole.
  const Shape& shape() const { return shape_; }
  /// [1, channels, to - from, width], channels-last.
  virtual Tensor rows(int64_t from, int64_t to) = 0;
  /// Learns what it needs of the whole picture before rows are asked for: group statistics.
  virtual void settle() = 0;
  /// The next request begins at the top again.
  virtual void restart() = 0;
  /// Rows are asked for once more, for the last time: what has been passed may go.
  virtual void release() = 0;
  /// Bytes of the widest picture on the way to this one, for each row of this one.
  double row_bytes() const { return row_bytes_; }
  /// Whether all rows are in memory.
  virtual bool stored() const { return false; }

 protected:
  double row_bytes_;

 private:
  const Shape shape_;
};
using Rows = std::shared_ptr<RowSource>;

/// Of float32 numbers.
int64_t bytes_of(const Shape& shape);
/// f(rows, from) for all bands from the top down.
void for_each_band(RowSource& source, const std::function<void(const Tensor&, int64_t)>& f);

/// What remembers its last request, which the next one overlaps, over sources that it reads.
class DerivedRows : public RowSource {
 public:
  DerivedRows(Shape shape, std::vector<Rows> from);
  Tensor rows(int64_t from, int64_t to) override;
  void settle() override;
  void restart() override;
  void release() override;

 protected:
  virtual Tensor compute(int64_t from, int64_t to) = 0;
  /// Whether rows are cheap enough to be computed once more where requests overlap.
  virtual bool cheap() const { return false; }
  RowSource& source(size_t i = 0) const { return *from_.at(i); }

 private:
  std::vector<Rows> from_;
  Tensor kept_;  // rows first_ … last_ - 1
  int64_t first_ = 0, last_ = 0;
};

/// A picture [1, channels, height, width] in memory.
Rows whole_rows(const Tensor& picture);
/// Computes all rows of the source and keeps them; what the source itself had kept goes meanwhile.
Rows stored_rows(const Rows& source);
/// The same as one tensor.
Tensor picture_of(const Rows& source);

/// Bytes that a band may take in this thread; see PictureMemory.
int64_t band_bytes();

}  // namespace elbo
