#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "elbo/data/row_store.h"

namespace elbo {
namespace {

/// The cell at a place of a row's bytes, and the place behind it.
std::string_view cell_at(std::string_view row, size_t& at) {
  uint32_t size = 0;
  std::memcpy(&size, row.data() + at, sizeof size);
  const auto cell = row.substr(at + sizeof size, size);
  at += sizeof size + size;
  return cell;
}

}  // namespace

RowTexts::~RowTexts() {
  if (file_ >= 0) ::close(file_);
}

void RowTexts::finish_cell(std::string_view text) {
  if (!texts_) return;
  const auto size = static_cast<uint32_t>(text.size());
  memory_.append(reinterpret_cast<const char*>(&size), sizeof size);
  memory_ += text;
}

void RowTexts::finish_row(const std::vector<OddCell>& odd) {
  if (!odd.empty()) odd_[rows_] = odd;
  ++rows_;
  if (!texts_) return;
  ends_.push_back(written_ + memory_.size());
  if (memory_.size() >= most_in_memory_) write_out();
}

void RowTexts::write_out() {
  if (file_ < 0) file_ = open_nameless();
  for (size_t at = 0; at < memory_.size();) {
    const ssize_t done = ::write(file_, memory_.data() + at, memory_.size() - at);
    if (done < 0 && errno == EINTR) continue;
    check(done > 0, "[table] temporary rows cannot be written: ", std::strerror(errno),
          " (TMPDIR names the folder for large tables)");
    at += static_cast<size_t>(done);
  }
  written_ += memory_.size();
  memory_.clear();
}

std::string RowTexts::cell(int64_t row, int64_t column) const {
  if (!texts_) return "";
  const auto r = static_cast<size_t>(row);
  const size_t from = r == 0 ? 0 : ends_.at(r - 1), size = ends_.at(r) - from;
  std::string own;
  std::string_view bytes;
  if (from >= written_) {
    bytes = std::string_view(memory_).substr(from - written_, size);
  } else {
    own.resize(size);
    const auto got = ::pread(file_, own.data(), size, static_cast<off_t>(from));
    check(got == static_cast<ssize_t>(size), "[table] temporary rows cannot be read: ",
          got < 0 ? std::strerror(errno) : "the file is cut");
    bytes = own;
  }
  size_t at = 0;
  for (int64_t i = 0; i < column; ++i) cell_at(bytes, at);
  return std::string(cell_at(bytes, at));
}

std::vector<OddCell> RowTexts::odd(int64_t row) const {
  const auto at = odd_.find(row);
  return at == odd_.end() ? std::vector<OddCell>() : at->second;
}

}  // namespace elbo
