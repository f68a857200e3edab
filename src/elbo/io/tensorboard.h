#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace elbo {

/// CRC-32C (Castagnoli), as TFRecord files use it.
uint32_t crc32c(std::string_view bytes);

/// Appends scalar summaries to a TensorBoard event file; a new file begins with its version.
/// Every call leaves whole records in the file.
class EventWriter {
 public:
  explicit EventWriter(std::string path);
  void scalars(int64_t step, const std::vector<std::pair<std::string, double>>& values);

 private:
  void append(const std::string& event);

  std::string path_;
};

}  // namespace elbo
