#include "elbo/io/tar_index.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "elbo/core/error.h"

namespace elbo {
namespace {

constexpr int64_t kTarBlock = 512, kLongestName = 1 << 16;

std::string_view field(std::string_view block, size_t from, size_t size) {
  const auto text = block.substr(from, size);
  return text.substr(0, text.find('\0'));
}

/// One header block and what it says.
class TarHeader {
 public:
  TarHeader(std::string block, const std::string& where) : block_(std::move(block)), where_(where) {
    int64_t sum = 0;
    for (size_t i = 0; i < block_.size(); ++i) {
      sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(block_[i]);
    }
    check(sum == number(148, 8), "[tar] ", where_, ": is not a tar header, or damaged",
          " (packed archives, e.g. .tar.gz, cannot be read in pieces: unpack them)");
  }

  char type() const { return block_[156]; }
  bool regular() const { return type() == '0' || type() == '\0' || type() == '7'; }
  std::string name() const {
    const std::string name(field(block_, 0, 100));
    const bool ustar = field(block_, 257, 6) == "ustar";
    const std::string prefix(ustar ? field(block_, 345, 155) : "");
    return prefix.empty() ? name : prefix + "/" + name;
  }
  int64_t size() const { return number(124, 12); }

 private:
  /// Octal digits, or GNU's big-endian bytes behind a first bit.
  int64_t number(size_t from, size_t size) const {
    if (static_cast<unsigned char>(block_[from]) & 0x80) {
      int64_t value = 0;
      for (size_t i = from + size - 8; i < from + size; ++i) {
        value = static_cast<int64_t>(static_cast<uint64_t>(value) << 8) |
                static_cast<unsigned char>(block_[i]);
      }
      check(value >= 0, "[tar] ", where_, ": a size is out of range");
      return value;
    }
    auto text = field(block_, from, size);
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
    check(text.empty() || (error == std::errc() && end == text.data() + text.size()), "[tar] ",
          where_, ": \"", std::string(text), "\" is not an octal number");
    return value;
  }

  std::string block_;
  const std::string& where_;
};

/// "27 path=long/name\n" among the records of a pax header; empty where there is none.
std::string pax_path(std::string_view records) {
  std::string path;
  while (!records.empty()) {
    size_t length = 0;
    const auto [end, error] =
        std::from_chars(records.data(), records.data() + records.size(), length);
    const auto digits = static_cast<size_t>(end - records.data());
    if (error != std::errc() || length <= digits + 1 || length > records.size()) break;
    const auto record = records.substr(digits + 1, length - digits - 2);  // without the newline
    if (record.starts_with("path=")) path = record.substr(5);
    records.remove_prefix(length);
  }
  return path;
}

}  // namespace

void for_each_member(const std::string& path, const std::function<void(const TarMember&)>& take) {
  const PieceFile file(path);
  std::string long_name;
  int64_t at = 0;
  bool ended = false;
  while (at < file.size()) {
    const auto where = path + " at byte " + std::to_string(at);
    check(at + kTarBlock <= file.size(), "[tar] ", where, ": the archive ends within a header");
    auto block = file.read(at, kTarBlock);
    // "cat a.tar b.tar" makes one: an archive's end is not the file's.
    ended = block.find_first_not_of('\0') == std::string::npos;
    if (ended) {
      at += kTarBlock;
      continue;
    }
    const TarHeader header(std::move(block), where);
    const int64_t start = at + kTarBlock, size = header.size();
    check(size <= file.size() - start, "[tar] ", where, ": ", header.name(), " should have ", size,
          " bytes, the archive ends after ", file.size() - start);
    if (header.type() == 'L' || header.type() == 'x') {
      check(size <= kLongestName, "[tar] ", where, ": a name of ", size, " bytes");
      const auto bytes = file.read(start, size);
      long_name = header.type() == 'L' ? bytes.substr(0, bytes.find('\0')) : pax_path(bytes);
    } else {
      if (header.regular()) take({long_name.empty() ? header.name() : long_name, start, size});
      long_name.clear();
    }
    at = start + (size + kTarBlock - 1) / kTarBlock * kTarBlock;
  }
  check(ended, "[tar] ", path, ": has no end: it was cut short after ", file.size(), " bytes");
}

PieceFile::PieceFile(std::string path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  check(descriptor_ >= 0, "[file] ", path_, ": ", std::strerror(errno));
  struct stat status {};
  const bool known = ::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
  if (!known) ::close(descriptor_);
  check(known, "[file] ", path_, ": is not a regular file");
  size_ = status.st_size;
}

PieceFile::~PieceFile() { ::close(descriptor_); }

std::string PieceFile::read(int64_t offset, int64_t size) const {
  std::string bytes(static_cast<size_t>(size), '\0');
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t got = ::pread(descriptor_, bytes.data() + done, bytes.size() - done,
                                static_cast<off_t>(offset) + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    check(got >= 0, "[file] ", path_, ": ", std::strerror(errno));
    check(got > 0, "[file] ", path_, ": ends at byte ", offset + static_cast<int64_t>(done),
          ", expected ", offset + size);
    done += static_cast<size_t>(got);
  }
  return bytes;
}

}  // namespace elbo
