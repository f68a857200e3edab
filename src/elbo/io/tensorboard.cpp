#include "elbo/io/tensorboard.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "elbo/core/error.h"
#include "elbo/io/file.h"
#include "elbo/io/protobuf.h"

namespace elbo {
namespace {

using protobuf::fixed, protobuf::number, protobuf::real, protobuf::text;

constexpr size_t kHeader = 12;  // length of the payload, and its checksum

/// Length of the payload of the record at `at`; -1 where no whole good record stands there.
int64_t record_length(std::string_view bytes, size_t at) {
  if (bytes.size() - at < kHeader + 4) return -1;
  uint64_t length = 0;
  uint32_t sum = 0;
  std::memcpy(&length, bytes.data() + at, sizeof length);
  std::memcpy(&sum, bytes.data() + at + 8, sizeof sum);
  if (sum != masked_crc32c(bytes.substr(at, 8)) || length > bytes.size() - at - kHeader - 4)
    return -1;
  std::memcpy(&sum, bytes.data() + at + kHeader + length, sizeof sum);
  return sum == masked_crc32c(bytes.substr(at + kHeader, length)) ? static_cast<int64_t>(length)
                                                                  : -1;
}

/// Where the whole records of a file end.
size_t good_end(std::string_view bytes) {
  size_t at = 0;
  for (int64_t n = 0; at < bytes.size() && (n = record_length(bytes, at)) >= 0;) {
    at += kHeader + static_cast<size_t>(n) + 4;
  }
  return at;
}

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static const auto table = [] {
    std::array<uint32_t, 256> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      t[i] = i;
      for (int k = 0; k < 8; ++k) t[i] = t[i] >> 1 ^ (t[i] & 1 ? 0x82f63b78u : 0u);
    }
    return t;
  }();
  uint32_t crc = ~0u;
  for (unsigned char c : bytes) crc = table[(crc ^ c) & 0xff] ^ crc >> 8;
  return ~crc;
}

uint32_t masked_crc32c(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

EventWriter::EventWriter(std::string path) : path_(std::move(path)) {
  std::error_code failed;
  if (std::filesystem::exists(path_, failed)) {
    std::filesystem::resize_file(path_, good_end(read_file(path_)), failed);
    check(!failed, "[events] ", path_, ": ", failed.message());
  }
  file_ = std::fopen(path_.c_str(), "ab");
  check(file_ != nullptr, "[events] ", path_, ": ", std::strerror(errno));
  std::fseek(file_, 0, SEEK_END);
  if (std::ftell(file_) == 0) write_record(real(1, now()) + text(3, "brain.Event:2"));
}

EventWriter::~EventWriter() {
  if (file_) std::fclose(file_);
}

void EventWriter::scalars(int64_t step, const std::vector<std::pair<std::string, double>>& values,
                          double wall_time) {
  std::string summary;
  for (const auto& [tag, value] : values) {
    summary += text(1, text(1, tag) + real(2, static_cast<float>(value)));
  }
  write_record(real(1, wall_time < 0 ? now() : wall_time) + number(2, static_cast<uint64_t>(step)) +
               text(5, summary));
}

void EventWriter::write_record(std::string_view event) {
  const auto length = fixed(static_cast<uint64_t>(event.size()));
  const auto record =
      length + fixed(masked_crc32c(length)) + std::string(event) + fixed(masked_crc32c(event));
  const bool done = std::fwrite(record.data(), 1, record.size(), file_) == record.size() &&
                    std::fflush(file_) == 0;
  check(done, "[events] ", path_, ": cannot be written: ", std::strerror(errno));
}

std::vector<std::string> read_records(const std::string& path) {
  const auto bytes = read_file(path);
  std::vector<std::string> records;
  for (size_t at = 0; at < bytes.size();) {
    const auto length = record_length(bytes, at);
    check(length >= 0, "[events] ", path, ": the record at byte ", at, " is damaged");
    records.push_back(bytes.substr(at + kHeader, static_cast<size_t>(length)));
    at += kHeader + static_cast<size_t>(length) + 4;
  }
  return records;
}

}  // namespace elbo
