#include "elbo/train/fingerprint.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace elbo {
namespace {

namespace fs = std::filesystem;
constexpr size_t kMostFiles = 100;
constexpr int64_t kPiece = int64_t{1} << 20;

/// Fowler, Noll and Vo.
class Hash {
 public:
  void add(const char* bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      state_ = (state_ ^ static_cast<unsigned char>(bytes[i])) * 0x100000001b3ULL;
    }
  }
  void add(const std::string& text) { add(text.data(), text.size()); }
  uint64_t value() const { return state_; }

 private:
  uint64_t state_ = 0xcbf29ce484222325ULL;
};

void add_ends(Hash& hash, const fs::path& path, int64_t size) {
  std::ifstream file(path, std::ios::binary);
  std::string piece(static_cast<size_t>(std::min(size, kPiece)), '\0');
  for (const int64_t from : {int64_t{0}, std::max<int64_t>(kPiece, size - kPiece)}) {
    if (from >= size) break;
    file.seekg(from);
    file.read(piece.data(), std::min<int64_t>(size - from, kPiece));
    hash.add(piece.data(), static_cast<size_t>(file.gcount()));
  }
}

}  // namespace

std::string fingerprint(const std::string& path) {
  std::error_code error;
  std::vector<fs::path> files;
  if (fs::is_regular_file(path, error)) files.push_back(path);
  if (fs::is_directory(path, error)) {
    for (fs::recursive_directory_iterator at(path, error), end; at != end; at.increment(error)) {
      if (error) break;
      if (at->is_regular_file(error)) files.push_back(at->path());
    }
  }
  if (files.empty()) return "";
  std::sort(files.begin(), files.end());
  Hash hash;
  int64_t bytes = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    const auto size = static_cast<int64_t>(fs::file_size(files[i], error));
    if (error) continue;
    bytes += size;
    // The place is not a part of the data: a copy has the same hash.
    hash.add(files[i].lexically_relative(path).string() + " " + std::to_string(size));
    if (i < kMostFiles) add_ends(hash, files[i], size);
  }
  std::ostringstream text;
  text << files.size() << (files.size() == 1 ? " file, " : " files, ") << bytes << " bytes, hash "
       << std::hex << hash.value();
  return text.str();
}

}  // namespace elbo
