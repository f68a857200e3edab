#include "elbo/io/csv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "elbo/core/error.h"

namespace elbo {
namespace {

constexpr size_t kBlock = size_t{1} << 18;
// A quote that is never closed would otherwise take the whole file for one cell.
constexpr size_t kLongestRecord = size_t{1} << 26;
constexpr size_t kMostCells = size_t{1} << 20;  // each takes 40 bytes

}  // namespace

/// Bytes of a file, unpacked where it is gzip. A pipe gives what there is, without waiting for a
/// full block.
struct CsvReader::Source {
  explicit Source(const std::string& path) : path_(path) {
    file_ = path == "-" ? ::dup(0) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    check(file_ >= 0, "[csv] ", path, ": ", std::strerror(errno));
    struct stat status {};
    const bool known = ::fstat(file_, &status) == 0;
    check(!known || !S_ISDIR(status.st_mode), "[csv] ", path, ": is a folder, expected a file");
    unsigned char magic[2] = {0, 0};
    const bool seekable = known && S_ISREG(status.st_mode);
    if (seekable && ::pread(file_, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b) {
      packed_ = gzdopen(file_, "rb");
      check(packed_ != nullptr, "[csv] ", path, ": out of memory");
      gzbuffer(packed_, kBlock);
    }
  }
  ~Source() {
    if (packed_) {
      gzclose(packed_);
    } else if (file_ >= 0) {
      ::close(file_);
    }
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  size_t read(char* to, size_t most) {
    if (packed_) {
      const int got = gzread(packed_, to, static_cast<unsigned>(most));
      int state = Z_OK;
      const char* reason = gzerror(packed_, &state);
      check(got >= 0 && (state == Z_OK || state == Z_STREAM_END), "[gzip] ", path_, ": ",
            state == Z_BUF_ERROR ? "ends too early" : reason);
      return static_cast<size_t>(got);
    }
    for (;;) {
      const ssize_t got = ::read(file_, to, most);
      if (got < 0 && errno == EINTR) continue;
      check(got >= 0, "[csv] ", path_, ": ", std::strerror(errno));
      return static_cast<size_t>(got);
    }
  }

 private:
  std::string path_;
  int file_ = -1;
  gzFile packed_ = nullptr;
};

CsvReader::CsvReader(const std::string& path, char delimiter)
    : Records(path), source_(std::make_unique<Source>(path)), delimiter_(delimiter) {
  begin();
}

CsvReader::~CsvReader() = default;

void CsvReader::begin() {
  while (buffer_.size() < 4 && fill()) {
  }
  const std::string_view head = buffer_;
  const auto utf16 = head.substr(0, 2);
  check(utf16 != "\xff\xfe" && utf16 != "\xfe\xff", "[csv] ", path(),
        ": is UTF-16, expected UTF-8 (iconv -f utf-16 -t utf-8 turns one into the other)");
  marked_ = head.substr(0, 3) == "\xef\xbb\xbf";
  if (marked_) end_ = 3;
  if (delimiter_ == 0) delimiter_ = sniff_delimiter(head.substr(end_));
}

bool CsvReader::fill() {
  if (at_end_) return false;
  const size_t used = buffer_.size();
  buffer_.resize(used + kBlock);
  const size_t got = source_->read(buffer_.data() + used, kBlock);
  buffer_.resize(used + got);
  at_end_ = got == 0;
  return got > 0;
}

/// Whether there is a byte at this place, read from the file where it has to be.
bool CsvReader::more(size_t at) {
  if (at < buffer_.size()) return true;
  if (at - start_ > kLongestRecord) {
    refuse("a record of more than 64 MiB begins here (a quote that is never closed?)");
  }
  return fill();
}

void CsvReader::refuse(const std::string& what) const {
  fail("[csv] ", path(), ": line ", line_, ", column ", cells_.size() + 1, ": ", what);
}

bool CsvReader::next() {
  while (read_record()) {
    const bool blank = cells_.size() == 1 && cells_[0].from == cells_[0].to;
    if (!blank) return true;
    ++blank_lines_;
  }
  return false;
}

bool CsvReader::read_record() {
  if (end_ >= kBlock) {  // not at each record: what follows it would be moved as often
    buffer_.erase(0, end_);
    end_ = 0;
  }
  start_ = end_;
  cells_.clear();
  unquoted_.clear();
  line_end_.clear();
  line_ = next_line_;
  if (!more(start_)) return false;
  size_t at = start_;
  for (;;) {
    at = more(at) && buffer_[at] == '"' ? read_quoted_cell(at) : read_cell(at);
    if (more(at) && buffer_[at] == delimiter_) {
      ++at;
      continue;
    }
    end_ = end_record(at);
    return true;
  }
}

size_t CsvReader::read_cell(size_t at) {
  const size_t from = at;
  const auto inside = [&](char c) {
    return c != delimiter_ && c != '\n' && c != '\r' && c != '\0';
  };
  do {
    const auto stop =
        std::find_if_not(buffer_.begin() + static_cast<int64_t>(at), buffer_.end(), inside);
    at = static_cast<size_t>(stop - buffer_.begin());
  } while (at == buffer_.size() && more(at));
  if (at < buffer_.size() && buffer_[at] == '\0') refuse("holds a NUL byte; this is not text");
  if (cells_.size() >= kMostCells) refuse("more than 1,048,576 cells in a record");
  cells_.push_back({from, at, false, 0, 0});
  return at;
}

size_t CsvReader::read_quoted_cell(size_t at) {
  const size_t from = at++;
  const size_t text_from = unquoted_.size();
  for (;; ++at) {
    if (!more(at)) refuse("a quote is opened and never closed");
    const char c = buffer_[at];
    if (c == '\0') refuse("holds a NUL byte; this is not text");
    if (c == '\n') ++next_line_;
    if (c == '"') {
      if (!more(at + 1) || buffer_[at + 1] != '"') break;
      ++at;
    }
    unquoted_ += c;
  }
  ++at;
  if (more(at)) {
    const char c = buffer_[at];
    if (c != delimiter_ && c != '\n' && c != '\r') refuse("text after a closing quote");
  }
  if (cells_.size() >= kMostCells) refuse("more than 1,048,576 cells in a record");
  cells_.push_back({from, at, true, text_from, unquoted_.size() - text_from});
  return at;
}

/// Past the line end at this place.
size_t CsvReader::end_record(size_t at) {
  ++next_line_;
  if (!more(at)) return at;
  const size_t from = at;
  if (buffer_[at] == '\r') {
    ++at;
    if (more(at) && buffer_[at] == '\n') ++at;
  } else {
    ++at;
  }
  line_end_ = buffer_.substr(from, at - from);
  return at;
}

std::string_view CsvReader::cell(int64_t i) const {
  const auto& c = cells_[static_cast<size_t>(i)];
  if (c.quoted) return std::string_view(unquoted_).substr(c.text_from, c.text_size);
  return std::string_view(buffer_).substr(c.from, c.to - c.from);
}

std::string_view CsvReader::raw(int64_t i) const {
  const auto& c = cells_[static_cast<size_t>(i)];
  return std::string_view(buffer_).substr(c.from, c.to - c.from);
}

std::string csv_cell(std::string_view text, char delimiter) {
  const char special[] = {'"', '\r', '\n', delimiter, '\0'};
  const bool edge = !text.empty() && (text.front() == ' ' || text.back() == ' ');
  if (!edge && text.find_first_of(special) == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

char sniff_delimiter(std::string_view head) {
  constexpr int64_t kLines = 50;
  // A comma last: with another delimiter it may stand in every number.
  for (const char candidate : {'\t', ';', '|', ','}) {
    int64_t lines = 0, first = 0, here = 0;
    bool quoted = false, agree = true;
    for (size_t at = 0; at < head.size() && lines < kLines && agree; ++at) {
      const char c = head[at];
      if (c == '"') quoted = !quoted;
      if (quoted) continue;
      if (c == candidate) ++here;
      if (c != '\n' && c != '\r') continue;
      const bool blank = at == 0 || head[at - 1] == '\n' || head[at - 1] == '\r';
      if (!blank) {
        if (lines++ == 0) first = here;
        agree = here == first && here > 0;
      }
      here = 0;
    }
    if (lines == 0) first = here;  // a single line without an end
    if (agree && first > 0) return candidate;
  }
  // Ragged lines: what the first one holds most of; the reader tells which line differs.
  const auto line = head.substr(0, head.find_first_of("\r\n"));
  char best = ',';
  for (const char candidate : {'\t', ';', '|'}) {
    const auto count = [&](char c) { return std::count(line.begin(), line.end(), c); };
    if (count(candidate) > count(best)) best = candidate;
  }
  return best;
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const size_t length = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;
    if (length == 0 || i + length > text.size()) return false;
    uint32_t code = length == 1 ? c : c & (0xffU >> (length + 1));
    for (size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if (next >> 6 != 2) return false;
      code = code << 6 | (next & 63U);
    }
    constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kLeast[length] || code > 0x10ffff || (code >> 11) == 27) return false;
    i += length;
  }
  return true;
}

}  // namespace elbo
