#include "elbo/io/utf16.h"

#include <cstdint>

#include "elbo/core/error.h"

namespace elbo {
namespace {

void append_utf8(std::string& out, uint32_t code) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (code >> shift & 63)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace

std::string from_utf16(std::string text, const std::string& where) {
  const bool little = text.starts_with("\xff\xfe"), big = text.starts_with("\xfe\xff");
  if (!little && !big) return text;
  check(text.size() % 2 == 0, "[text] ", where, ": is UTF-16 and ends within a character");
  const auto unit = [&](size_t i) {
    const auto a = static_cast<unsigned char>(text[i]), b = static_cast<unsigned char>(text[i + 1]);
    return static_cast<uint32_t>(little ? b << 8 | a : a << 8 | b);
  };
  std::string out;
  out.reserve(text.size());
  for (size_t i = 2; i < text.size(); i += 2) {
    uint32_t code = unit(i);
    if (code >> 10 == 0x36 && i + 2 < text.size() && unit(i + 2) >> 10 == 0x37) {
      i += 2;
      code = 0x10000 + ((code & 0x3ff) << 10 | (unit(i) & 0x3ff));
    }
    check(code >> 11 != 0x1b, "[text] ", where, ": is UTF-16 with half a character at byte ", i);
    append_utf8(out, code);
  }
  return out;
}

}  // namespace elbo
