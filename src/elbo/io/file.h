#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "elbo/io/memory_bound.h"

namespace elbo {

/// The whole file, also a pipe or a device, as far as memory should hold it. Raises an Error naming
/// the path and the reason.
std::string read_file(const std::string& path);
/// The same of a file that nobody named, as one of a folder or a run: anything but a plain file,
/// which may never end, is an Error.
std::string read_plain_file(const std::string& path);

/// The whole file, unpacked where it is gzip (told by its first bytes, not by its name).
std::string read_maybe_gzip(const std::string& path, int64_t most = most_unpacked());
/// Unpacks gzip bytes, also several members in a row; `where` names them in an Error.
std::string gunzip(std::string_view bytes, const std::string& where,
                   int64_t most = most_unpacked());
/// As small as gzip makes them.
std::string gzip(std::string_view bytes);

/// A file that appears under its name only when it is complete and on the disk:
/// temporary name in the same folder, write, sync, rename, sync of the folder.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  /// Without commit() the temporary is removed and an older file of that name stays.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void commit();

 private:
  void keep_mode();
  [[noreturn]] void fail_with_reason(const char* doing) const;

  std::string path_, temporary_;
  int descriptor_ = -1;
};

void write_file_atomic(const std::string& path, std::string_view bytes);
/// Removes what writers of this folder have left that were killed before they were done.
void remove_leftovers(const std::string& folder);

}  // namespace elbo
