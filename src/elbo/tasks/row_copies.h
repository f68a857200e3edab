#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "elbo/data/column.h"
#include "elbo/data/dataset.h"

namespace elbo {

/// Finds made rows that give a training row away: as a file would have them, they equal one that
/// fewer than `shared` training rows are equal to.
class RowCopies {
 public:
  RowCopies(const Dataset& training, std::vector<Column> columns, int64_t shared);
  /// [n] bool for values [n, D], NaN where a cell is missing.
  Tensor among(const Tensor& values) const;

 private:
  std::vector<uint64_t> keys(const Tensor& values) const;

  std::vector<Column> columns_;
  int64_t shared_;
  std::unordered_map<uint64_t, int64_t> count_;  // training rows by the hash of their cells
};

}  // namespace elbo
