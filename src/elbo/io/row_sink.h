#pragma once

#include <memory>
#include <string>

#include "elbo/io/row_file.h"

namespace elbo {

/// Takes rows in memory: create_row_file() of its path appends to it instead of writing a file.
class RowSink {
 public:
  RowSink();
  ~RowSink();
  RowSink(const RowSink&) = delete;
  RowSink& operator=(const RowSink&) = delete;

  /// Ends in .npy, which no file on the disk has with this beginning.
  const std::string& path() const { return path_; }
  /// [n, …] float32 what was committed; undefined before.
  Tensor rows() const;

 private:
  std::string path_;
};

/// The file of a sink; null where none has that path.
std::unique_ptr<RowFile> sink_file(const std::string& path, const RowPlan& plan);

}  // namespace elbo
