#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "elbo/core/error.h"

namespace elbo {

/// Whole numbers and texts as bytes: seven bits a byte, the lowest first; a text behind its length.
class SideWriter {
 public:
  void number(uint64_t n) {
    for (; n >= 0x80; n >>= 7) bytes_ += static_cast<char>(n | 0x80);
    bytes_ += static_cast<char>(n);
  }
  /// Near 0 in few bytes, of either sign.
  void difference(int64_t n) {
    number(static_cast<uint64_t>(n) << 1 ^ static_cast<uint64_t>(n >> 63));
  }
  void text(std::string_view text) {
    number(text.size());
    bytes_ += text;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Reads what SideWriter wrote; anything else raises an Error.
class SideReader {
 public:
  explicit SideReader(std::string_view bytes) : bytes_(bytes) {}
  uint64_t number() {
    uint64_t n = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      check(!bytes_.empty(), "[coding] text of the table: ends too early");
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      n |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return n;
    }
    fail("[coding] text of the table: holds a number of more than 64 bits");
  }
  int64_t difference() {
    const uint64_t n = number();
    return static_cast<int64_t>(n >> 1 ^ (~(n & 1) + 1));
  }
  /// A number of things that take a byte or more each.
  uint64_t count() {
    const uint64_t n = number();
    check(n <= bytes_.size(), "[coding] text of the table: ends too early");
    return n;
  }
  std::string_view text() {
    const auto size = static_cast<size_t>(count());
    const auto text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return text;
  }
  bool done() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

}  // namespace elbo
