#include "elbo/io/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <regex>

#include "elbo/core/error.h"

namespace elbo {
namespace {

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

/// A name that leaves room for what a temporary file's adds.
std::string short_name(const std::string& path) {
  constexpr size_t kMost = 200;
  auto name = std::filesystem::path(path).filename().string();
  if (name.size() <= kMost) return name;
  name.resize(kMost);
  // Not in the middle of a letter.
  while (!name.empty() && (name.back() & 0x80) != 0) name.pop_back();
  return name.empty() ? "file" : name;
}

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

struct Inflater {
  z_stream stream{};
  // 16 asks zlib for the gzip wrapper and its checksum.
  Inflater() { check(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK, "[gzip] out of memory"); }
  ~Inflater() { inflateEnd(&stream); }
};

}  // namespace

namespace {

std::string read_all(const std::string& path, bool plain) {
  // Without O_NONBLOCK a pipe waits for its writer.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | (plain ? O_NONBLOCK : 0))};
  check(file.number >= 0, "[file] ", path, ": ", std::strerror(errno));
  struct stat status {};
  check(::fstat(file.number, &status) == 0, "[file] ", path, ": ", std::strerror(errno));
  check(!S_ISDIR(status.st_mode), "[file] ", path, ": is a folder, expected a file");
  const bool regular = S_ISREG(status.st_mode);
  check(regular || !plain, "[file] ", path, ": is not a plain file");
  const size_t most = regular ? SIZE_MAX : static_cast<size_t>(most_unpacked());
  // Pipes have no size, and a file may grow while it is read: read to the end in any case.
  std::string bytes(static_cast<size_t>(std::max<off_t>(status.st_size, 0)) + 1, '\0');
  size_t used = 0;
  for (;;) {
    if (used == bytes.size()) bytes.resize(bytes.size() * 2 + 4096);
    const ssize_t got = ::read(file.number, bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR) continue;
    check(got >= 0, "[file] ", path, ": ", std::strerror(errno));
    if (got == 0) break;
    used += static_cast<size_t>(got);
    check(used <= most, "[file] ", path, ": gives more than ", most,
          " bytes, half of the memory that is available (ELBO_MEMORY sets another bound, in GB)");
  }
  bytes.resize(used);
  return bytes;
}

}  // namespace

std::string read_file(const std::string& path) { return read_all(path, false); }

std::string read_plain_file(const std::string& path) { return read_all(path, true); }

std::string gunzip(std::string_view bytes, const std::string& where, int64_t most) {
  std::string out;
  Inflater inflater;
  auto& stream = inflater.stream;
  std::string block(size_t{1} << 18, '\0');
  size_t next = 0;  // zlib counts in 32 bits: the input is fed in pieces
  for (;;) {
    if (stream.avail_in == 0 && next < bytes.size()) {
      const size_t piece = std::min<size_t>(bytes.size() - next, size_t{1} << 30);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + next));
      stream.avail_in = static_cast<uInt>(piece);
      next += piece;
    }
    stream.next_out = reinterpret_cast<Bytef*>(block.data());
    stream.avail_out = static_cast<uInt>(block.size());
    const int state = inflate(&stream, Z_NO_FLUSH);
    const size_t made = block.size() - stream.avail_out;
    check(static_cast<int64_t>(out.size() + made) <= most, "[gzip] ", where,
          ": unpacks to more than ", most, " bytes (ELBO_MEMORY sets another bound, in GB)");
    out.append(block.data(), made);
    if (state == Z_STREAM_END) {
      const size_t at = next - stream.avail_in;
      // Tape tools pad with zeros.
      if (bytes.find_first_not_of('\0', at) == std::string_view::npos) return out;
      check(inflateReset(&stream) == Z_OK, "[gzip] ", where, ": damaged");
      continue;
    }
    const bool starved = state == Z_BUF_ERROR || (state == Z_OK && made == 0);
    check(!(starved && stream.avail_in == 0 && next == bytes.size()), "[gzip] ", where,
          ": ends too early");
    check(state == Z_OK || state == Z_BUF_ERROR, "[gzip] ", where, ": damaged (",
          stream.msg ? stream.msg : "not gzip data", ")");
  }
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  check(bytes.size() <= std::numeric_limits<uInt>::max(), "[gzip] more than 4 GB at once");
  const int state =
      deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  check(state == Z_OK, "[gzip] out of memory");
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int end = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  check(end == Z_STREAM_END, "[gzip] stopped before its end");
  return packed;
}

std::string read_maybe_gzip(const std::string& path, int64_t most) {
  auto bytes = read_file(path);
  const bool packed = bytes.size() >= 2 && bytes[0] == '\x1f' && bytes[1] == '\x8b';
  return packed ? gunzip(bytes, path, most) : bytes;
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  static std::atomic<int> count{0};
  const auto begin = folder_of(path_) + "/." + short_name(path_) + "." + std::to_string(::getpid());
  constexpr int kMostTries = 1000;  // a killed process of the same number may have left files
  for (int tries = 0; descriptor_ < 0 && tries < kMostTries; ++tries) {
    const auto name = begin + "." + std::to_string(count++) + ".tmp";
    descriptor_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno == EEXIST) continue;
    check(descriptor_ >= 0 || errno != ENOENT, "[file] ", path_, ": no folder ", folder_of(path_));
    if (descriptor_ < 0) break;
    temporary_ = name;
    // Locked it is a living writer's; one who clears up may have been faster.
    struct stat status {};
    if (::flock(descriptor_, LOCK_EX) == 0 && ::fstat(descriptor_, &status) == 0 &&
        status.st_nlink == 0) {
      ::close(descriptor_);
      descriptor_ = -1;
    }
  }
  if (descriptor_ < 0) fail_with_reason("cannot be created");
  keep_mode();
}

/// Who may read a file that is replaced may read the new one, and nobody else.
void AtomicFile::keep_mode() {
  struct stat old {};
  if (::lstat(path_.c_str(), &old) == 0 && S_ISREG(old.st_mode))
    ::fchmod(descriptor_, old.st_mode & 0777);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::fail_with_reason(const char* doing) const {
  fail("[file] ", path_, ": ", doing, ": ", std::strerror(errno));
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(descriptor_, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail_with_reason("cannot be written");
    bytes.remove_prefix(static_cast<size_t>(done));
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail_with_reason("cannot be written");
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) fail_with_reason("cannot be written");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0)
    fail_with_reason("cannot be renamed into place");
  temporary_.clear();
  // The name itself is on the disk only once the folder is; not every file system can be asked.
  const Descriptor folder{::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.number >= 0) ::fsync(folder.number);
}

void write_file_atomic(const std::string& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void remove_leftovers(const std::string& folder) {
  static const std::regex temporary(R"(\..+\.\d{1,9}\.\d+\.tmp)");
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (!std::regex_match(entry.path().filename().string(), temporary)) continue;
    const Descriptor file{
        ::open(entry.path().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    // A living writer holds a lock on it, whatever numbers processes have.
    if (file.number >= 0 && ::flock(file.number, LOCK_EX | LOCK_NB) == 0)
      std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace elbo
