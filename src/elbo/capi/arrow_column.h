#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "elbo/capi/arrow_abi.h"
#include "elbo/core/error.h"
#include "elbo/data/memory_source.h"

// One column of a record batch of the Arrow C data interface.

namespace elbo::capi {

struct ArrowColumn {
  const ArrowSchema& schema;
  const ArrowArray& array;
  int64_t first = 0, rows = 0;  // in its buffers

  std::string name() const { return schema.name ? schema.name : ""; }
  std::string format() const { return schema.format ? schema.format : ""; }
  template <class T>
  const T* buffer(int64_t i) const {
    check(i < array.n_buffers && array.buffers[i] != nullptr, "[arrow] column \"", name(),
          "\": buffer ", i, " is missing");
    return static_cast<const T*>(array.buffers[i]);
  }
  bool bit(const uint8_t* bits, int64_t row) const {
    return (bits[(first + row) / 8] >> ((first + row) % 8)) & 1;
  }
  std::vector<uint8_t> valid() const {
    if (array.null_count == 0 || array.n_buffers < 1 || !array.buffers[0]) return {};
    const auto* bits = static_cast<const uint8_t*>(array.buffers[0]);
    std::vector<uint8_t> list(static_cast<size_t>(rows));
    for (int64_t r = 0; r < rows; ++r) list[static_cast<size_t>(r)] = bit(bits, r);
    return list;
  }
};

/// [rows] int64, float32 or float64; undefined for formats that are not numbers.
Tensor numbers_of(const ArrowColumn& column);
/// Dates and times of the day in UTC as texts, 2026-01-31 where all are at midnight, else
/// 2026-01-31T14:05:00; false for other formats.
bool append_times(const ArrowColumn& column, MemoryColumn& out);
/// The texts of a column; an Error names the formats that are known. They live as its buffers do.
std::vector<std::string_view> texts_of_column(const ArrowColumn& column);
/// A copy of the column: numbers, or texts.
MemoryColumn column_from(const ArrowColumn& column);

}  // namespace elbo::capi
