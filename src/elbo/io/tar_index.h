#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace elbo {

/// A file of an archive and where its bytes lie.
struct TarMember {
  std::string name;
  int64_t offset = 0, size = 0;
};
/// Goes through the regular files of an unpacked tar archive (ustar, GNU and pax names) without
/// reading them. Raises an Error for what is damaged, cut or packed.
void for_each_member(const std::string& path, const std::function<void(const TarMember&)>& take);

/// A file of which pieces are read; several threads may do so at once.
class PieceFile {
 public:
  explicit PieceFile(std::string path);
  ~PieceFile();
  PieceFile(const PieceFile&) = delete;
  PieceFile& operator=(const PieceFile&) = delete;

  int64_t size() const { return size_; }
  const std::string& path() const { return path_; }
  /// Raises an Error where the file ends before the piece does.
  std::string read(int64_t offset, int64_t size) const;

 private:
  std::string path_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

}  // namespace elbo
