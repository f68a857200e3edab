#include "elbo/io/tensorboard.h"

#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "elbo/core/error.h"

namespace elbo {
namespace {

// Protocol buffers by hand: Event{wall_time=1 double, step=2 int64, file_version=3, summary=5},
// Summary{value=1}, Value{tag=1, simple_value=2 float}.
std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}

std::string bytes_field(int number, const std::string& bytes) {
  return varint(static_cast<uint64_t>(number) << 3 | 2) + varint(bytes.size()) + bytes;
}

template <class T>
std::string little_endian(T value) {
  std::string out(sizeof(T), '\0');
  std::memcpy(out.data(), &value, sizeof(T));  // every machine that libtorch runs on is little-endian
  return out;
}

std::string event_head() {
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  return varint(1 << 3 | 1) + little_endian(now.count());
}

uint32_t masked(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static const auto table = [] {
    std::array<uint32_t, 256> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t c = i;
      for (int k = 0; k < 8; ++k) c = (c >> 1) ^ (c & 1 ? 0x82f63b78u : 0);
      t[i] = c;
    }
    return t;
  }();
  uint32_t crc = 0xffffffffu;
  for (unsigned char b : bytes) crc = (crc >> 8) ^ table[(crc ^ b) & 0xff];
  return ~crc;
}

EventWriter::EventWriter(std::string path) : path_(std::move(path)) {
  std::error_code missing;
  const auto size = std::filesystem::file_size(path_, missing);
  if (missing || size == 0) append(event_head() + bytes_field(3, "brain.Event:2"));
}

void EventWriter::scalars(int64_t step,
                          const std::vector<std::pair<std::string, double>>& values) {
  std::string summary;
  for (const auto& [tag, value] : values) {
    summary += bytes_field(1, bytes_field(1, tag) + varint(2 << 3 | 5) +
                                  little_endian(static_cast<float>(value)));
  }
  append(event_head() + varint(2 << 3 | 0) + varint(static_cast<uint64_t>(step)) +
         bytes_field(5, summary));
}

void EventWriter::append(const std::string& event) {
  const auto length = little_endian(static_cast<uint64_t>(event.size()));
  std::ofstream file(path_, std::ios::app | std::ios::binary);
  file << length << little_endian(masked(crc32c(length))) << event
       << little_endian(masked(crc32c(event))) << std::flush;
  check(file.good(), "[events] ", path_, ": cannot be written (disk full or no permission)");
}

}  // namespace elbo
