#include "elbo/io/file_bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elbo/io/file.h"
#include "elbo/io/mapped_files.h"

namespace elbo {
namespace {

/// Of an open plain file; null where it cannot be mapped, as a pipe.
FileBytes mapping(int file, size_t from, const std::string& path) {
  struct stat status {};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return {};
  const auto size = static_cast<size_t>(status.st_size);
  if (size < from || size == 0) return {};
  // Whoever writes into the tensor changes a copy of the page, not the file.
  void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, 0);
  if (at == MAP_FAILED) return {};
  note_mapping(at, size, path);
  std::shared_ptr<void> owner(at, [size](void* p) {
    forget_mapping(p);
    ::munmap(p, size);
  });
  return {{static_cast<const char*>(at), size}, std::move(owner), true};
}

}  // namespace

FileBytes file_bytes(const std::string& path, size_t map_from) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    auto bytes = mapping(file, map_from, path);
    ::close(file);
    if (bytes.mapped && !bytes.bytes.starts_with("\x1f\x8b")) return bytes;
  }
  const auto text = std::make_shared<std::string>(read_maybe_gzip(path));
  return {*text, text, false};
}

}  // namespace elbo
