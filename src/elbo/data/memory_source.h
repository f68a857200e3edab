#pragma once

#include <memory>
#include <string>
#include <vector>

#include "elbo/core/tensor.h"
#include "elbo/io/records.h"

namespace elbo {

/// One column that a program holds in memory: numbers, or texts one behind the other.
struct MemoryColumn {
  std::string name;
  Tensor numbers;  // [rows] float32, float64 or int64 in C order; undefined = texts
  std::string bytes;
  std::vector<int64_t> offsets;  // [rows + 1] into bytes
  std::vector<uint8_t> valid;    // [rows] 0 = missing; empty = NaN alone is missing
};
using MemoryColumns = std::vector<std::shared_ptr<const MemoryColumn>>;

/// Rows of the program that uses the library: an array, with labels or without, or a table.
struct MemorySource {
  Tensor x, labels;
  MemoryColumns columns;
  int64_t rows = 0;
};

/// Makes a source known as DATA "memory:NAME" while it lives; readers and tasks take that name.
class NamedSource {
 public:
  explicit NamedSource(MemorySource source);
  ~NamedSource();
  NamedSource(const NamedSource&) = delete;
  NamedSource& operator=(const NamedSource&) = delete;

  /// "memory:array#1".
  const std::string& data() const { return data_; }
  const MemorySource& source() const { return *source_; }

 private:
  std::string data_;
  std::shared_ptr<const MemorySource> source_;
};

/// The source of that name; null where there is none.
std::shared_ptr<const MemorySource> memory_source(const std::string& name);
/// The rows of a table in memory; null where no table has that name.
std::unique_ptr<Records> memory_records(const std::string& name);

}  // namespace elbo
