#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace elbo {

/// The bytes of a file and what keeps them alive.
struct FileBytes {
  std::string_view bytes;
  std::shared_ptr<void> owner;
  bool mapped = false;  // they lie in the file; only what is looked at is in memory
};

/// Files beyond this size are mapped, not read.
constexpr size_t kMapFrom = size_t{1} << 26;
/// The whole file, unpacked where it is gzip; a large plain one as a private mapping. Where
/// such a file is cut short while it is in use, end_at_cut_files() says what happens.
FileBytes file_bytes(const std::string& path, size_t map_from = kMapFrom);

}  // namespace elbo
