#pragma once

#include <cstdint>
#include <cstring>
#include <string>

// Protocol buffers as they lie on the wire: what writers of TensorBoard and ONNX files share.

namespace elbo::protobuf {

/// The bytes of a number, little-endian as every machine we run on.
template <class Number>
std::string fixed(Number value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

inline std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
inline std::string key(int field, int wire) {
  return varint(static_cast<uint64_t>(field << 3 | wire));
}
inline std::string number(int field, uint64_t value) { return key(field, 0) + varint(value); }
inline std::string real(int field, double value) { return key(field, 1) + fixed(value); }
inline std::string real(int field, float value) { return key(field, 5) + fixed(value); }
/// Text, bytes, or a message within a message.
inline std::string text(int field, const std::string& value) {
  return key(field, 2) + varint(value.size()) + value;
}

}  // namespace elbo::protobuf
