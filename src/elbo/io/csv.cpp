#include "elbo/io/csv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "elbo/core/error.h"
#include "elbo/io/archive.h"
#include "elbo/io/foreign_file.h"

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
    if (seekable) left_ = static_cast<size_t>(std::max<off_t>(status.st_size, 0));
    if (seekable && ::pread(file_, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b) {
      packed_ = gzdopen(file_, "rb");
      check(packed_ != nullptr, "[csv] ", path, ": out of memory");
      gzbuffer(packed_, kBlock);
    }
    if (magic[0] == 'P' && magic[1] == 'K') unzip();
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

  /// Room for the next read: a small file takes little, and one byte shows its end.
  size_t block() const { return packed_ || zipped_ ? kBlock : std::min(kBlock, left_ + 1); }

  size_t read(char* to, size_t most) {
    if (zipped_) {
      const size_t count = std::min(most, bytes_.size() - at_);
      std::memcpy(to, bytes_.data() + at_, count);
      at_ += count;
      return count;
    }
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
      const auto size = static_cast<size_t>(got);
      left_ = size > left_ ? kUnknown : left_ - size;
      return size;
    }
  }

 private:
  /// The only text in a zip archive; a spreadsheet is one, too.
  void unzip() {
    int64_t texts = 0;
    zipped_ = true;
    read_archive(
        path_,
        [&](const std::string& name) {
          check(name != "xl/workbook.xml", "[csv] ", path_,
                ": is a spreadsheet, save it as CSV (libreoffice --convert-to csv FILE)");
          const bool text = !name.ends_with('/') && !name.starts_with("__MACOSX/");
          texts += text;
          return text && texts == 1;
        },
        [&](const std::string&, std::string bytes) { bytes_ = std::move(bytes); });
    check(texts == 1, "[csv] ", path_, ": is a zip archive of ", texts,
          " files, expected a single one; unpack it (unzip FILE)");
  }

  std::string path_, bytes_;
  size_t at_ = 0;
  // What is to come of a plain file as it was when it was opened; one that has grown is a pipe.
  static constexpr size_t kUnknown = std::numeric_limits<size_t>::max() / 2;
  size_t left_ = kUnknown;
  bool zipped_ = false;
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
  const auto hint = conversion_hint(path(), head);
  check(hint.empty(), "[csv] ", path(), ": ", hint);
  const auto utf16 = head.substr(0, 2);
  check(utf16 != "\xff\xfe" && utf16 != "\xfe\xff", "[csv] ", path(),
        ": is UTF-16, expected UTF-8 (iconv -f utf-16 -t utf-8 turns one into the other)");
  marked_ = head.substr(0, 3) == "\xef\xbb\xbf";
  if (marked_) end_ = 3;
  if (delimiter_ == 0) delimiter_ = sniff_delimiter(head.substr(end_));
  for (const char c : {delimiter_, '\n', '\r', '\0'})
    ends_cell_[static_cast<unsigned char>(c)] = true;
}

bool CsvReader::fill() {
  if (at_end_) return false;
  const size_t used = buffer_.size();
  const size_t most = source_->block();
  buffer_.resize(used + most);
  const size_t got = source_->read(buffer_.data() + used, most);
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
  size_t at = skip_spaces(start_);
  for (;;) {
    at = more(at) && buffer_[at] == '"' ? read_quoted_cell(at) : read_cell(at);
    if (delimiter_ == ' ') {
      at = skip_spaces(at);
      if (more(at) && buffer_[at] != '\n' && buffer_[at] != '\r') continue;
    } else if (more(at) && buffer_[at] == delimiter_) {
      ++at;
      continue;
    }
    end_ = end_record(at);
    return true;
  }
}

/// Past spaces, where they are what separates cells: any number of them, also at either end.
size_t CsvReader::skip_spaces(size_t at) {
  while (delimiter_ == ' ' && more(at) && buffer_[at] == ' ') ++at;
  return at;
}

size_t CsvReader::read_cell(size_t at) {
  const size_t from = at;
  do {
    const char* bytes = buffer_.data();
    const size_t size = buffer_.size();
    while (at < size && !ends_cell_[static_cast<unsigned char>(bytes[at])]) ++at;
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
  line_end_.assign(buffer_, from, at - from);
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

namespace {

/// Whether lines are numbers between spaces, as many in each; the first may hold names.
bool is_spaced(std::string_view head) {
  constexpr int64_t kLines = 50;
  int64_t lines = 0, first = 0;
  for (size_t from = 0; from < head.size() && lines < kLines;) {
    const auto to = std::min(head.find_first_of("\r\n", from), head.size());
    const auto line = head.substr(from, to - from);
    from = to + 1;
    int64_t cells = 0;
    for (size_t at = line.find_first_not_of(' '); at < line.size();
         at = line.find_first_not_of(' ', at)) {
      const auto end = std::min(line.find(' ', at), line.size());
      const bool number =
          line.substr(at, end - at).find_first_not_of("+-.0123456789eE") == std::string_view::npos;
      if (!number && lines > 0) return false;
      ++cells;
      at = end;
    }
    if (cells == 0) continue;
    if (to == head.size() && lines > 0) break;  // may be cut
    if (lines++ == 0) first = cells;
    if (cells != first) return false;
  }
  return lines > 1 && first > 1;
}

/// How often a sign stands in each of the first lines that are not blank, outside of quotes.
std::vector<int64_t> counts_by_line(std::string_view head, char sign) {
  constexpr size_t kLines = 50;
  std::vector<int64_t> counts;
  int64_t here = 0;
  bool quoted = false;
  for (size_t at = 0; at < head.size() && counts.size() < kLines; ++at) {
    const char c = head[at];
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == sign) ++here;
    if (c != '\n' && c != '\r') continue;
    const bool blank = at == 0 || head[at - 1] == '\n' || head[at - 1] == '\r';
    if (!blank) counts.push_back(here);
    here = 0;
  }
  if (counts.empty()) counts.push_back(here);  // a single line without an end
  return counts;
}

/// The share of the lines that hold the most frequent number of signs, 0 where that is none.
double agreement(const std::vector<int64_t>& counts) {
  int64_t most = 0;
  for (const auto count : counts) {
    if (count > 0) most = std::max<int64_t>(most, std::count(counts.begin(), counts.end(), count));
  }
  return static_cast<double>(most) / static_cast<double>(counts.size());
}

}  // namespace

char sniff_delimiter(std::string_view head) {
  // A comma last: with another delimiter it may stand in every number.
  for (const char candidate : {'\t', ';', '|', ','}) {
    if (agreement(counts_by_line(head, candidate)) == 1) return candidate;
  }
  // Titles and comments above, or ragged lines: what most lines agree on.
  constexpr double kMost = 0.5;
  char best = 0;
  double share = kMost;
  for (const char candidate : {'\t', ';', '|', ','}) {
    const double one = agreement(counts_by_line(head, candidate));
    if (one > share) best = candidate;
    share = std::max(share, one);
  }
  if (best != 0) return best;
  if (is_spaced(head)) return ' ';
  // What the first one holds most of; the reader tells which line differs.
  const auto line = head.substr(0, head.find_first_of("\r\n"));
  best = ',';
  for (const char candidate : {'\t', ';', '|'}) {
    const auto count = [&](char c) { return std::count(line.begin(), line.end(), c); };
    if (count(candidate) > count(best)) best = candidate;
  }
  return best;
}

bool is_utf8(std::string_view text) {
  const auto ascii = [](char c) { return (static_cast<unsigned char>(c) & 0x80U) == 0; };
  if (std::all_of(text.begin(), text.end(), ascii)) return true;
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
