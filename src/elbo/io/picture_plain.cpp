#include <algorithm>
#include <cctype>

#include "elbo/core/error.h"
#include "elbo/io/jpeg.h"
#include "elbo/io/picture.h"

// Formats simple enough to be read without a library.

namespace elbo {
namespace {

/// Little-endian numbers of a file; beyond its end an Error.
class Bytes {
 public:
  Bytes(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}
  uint8_t at(size_t i) const {
    check(i < bytes_.size(), "[bmp] ", where_, ": ends too early");
    return static_cast<uint8_t>(bytes_[i]);
  }
  uint32_t whole(size_t i, size_t size) const {
    uint32_t value = 0;
    for (size_t k = size; k-- > 0;) value = value << 8 | at(i + k);
    return value;
  }

 private:
  std::string_view bytes_;
  const std::string& where_;
};

struct BmpHeader {
  int64_t width, height;
  bool top_down;
  uint32_t bits, compression, start, table, colours, entry;
  uint32_t mask[3];
};

BmpHeader bmp_header(const Bytes& file, const std::string& where) {
  BmpHeader h{};
  h.start = file.whole(10, 4);
  const uint32_t size = file.whole(14, 4);
  check(size == 12 || (size >= 40 && size <= 256), "[bmp] ", where, ": a header of ", size,
        " bytes");
  const bool old = size == 12;
  h.width = old ? file.whole(18, 2) : static_cast<int32_t>(file.whole(18, 4));
  const int64_t height = old ? file.whole(20, 2) : static_cast<int32_t>(file.whole(22, 4));
  h.top_down = height < 0;
  h.height = std::abs(height);
  h.bits = file.whole(old ? 24 : 28, 2);
  h.compression = old ? 0 : file.whole(30, 4);
  h.table = 14 + size + (size == 40 && h.compression == 3 ? 12 : 0);
  h.entry = old ? 3 : 4;
  h.colours = old ? 0 : file.whole(46, 4);
  if (h.colours == 0 && h.bits <= 8) h.colours = 1U << h.bits;
  for (uint32_t k = 0; k < 3 && h.compression == 3; ++k) h.mask[k] = file.whole(54 + 4 * k, 4);
  const bool plain = h.compression == 0 || (h.compression == 3 && h.bits > 8);
  check(plain, "[bmp] ", where, ": packed by method ", h.compression, ", which is not read");
  const bool known =
      h.bits == 1 || h.bits == 4 || h.bits == 8 || h.bits == 16 || h.bits == 24 || h.bits == 32;
  check(known && h.colours <= 256, "[bmp] ", where, ": ", h.bits, " bits a pixel");
  if (h.compression == 0 && h.bits == 16) {
    const uint32_t usual[] = {0x7c00, 0x3e0, 0x1f};
    std::copy(usual, usual + 3, h.mask);
  }
  if (h.compression == 0 && h.bits == 32) {
    const uint32_t usual[] = {0xff0000, 0xff00, 0xff};
    std::copy(usual, usual + 3, h.mask);
  }
  return h;
}

/// The part of a pixel under a mask, stretched to a byte.
uint8_t under_mask(uint32_t pixel, uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = __builtin_ctz(mask);
  const uint32_t most = mask >> shift;
  return static_cast<uint8_t>((uint64_t{(pixel & mask) >> shift} * 255 + most / 2) / most);
}

}  // namespace

Picture decode_bmp(std::string_view bytes, const std::string& where, int64_t most) {
  const Bytes file(bytes, where);
  const auto h = bmp_header(file, where);
  check_image_size(h.width, h.height, "bmp", where, most);
  const uint64_t stride = (static_cast<uint64_t>(h.width) * h.bits + 31) / 32 * 4;
  check(h.start + stride * static_cast<uint64_t>(h.height) <= bytes.size(), "[bmp] ", where,
        ": ends too early");
  const auto colour = [&](uint32_t k, size_t channel) {
    return file.at(h.table + h.entry * k + 2 - channel);
  };
  bool grey = h.bits <= 8;
  for (uint32_t k = 0; grey && k < h.colours; ++k) {
    grey = colour(k, 0) == colour(k, 1) && colour(k, 1) == colour(k, 2);
  }
  const int64_t channels = grey ? 1 : 3;
  auto pixels = torch::empty({channels, h.height, h.width}, torch::kUInt8);
  auto* out = pixels.data_ptr<uint8_t>();
  const int64_t plane = h.height * h.width;
  for (int64_t y = 0; y < h.height; ++y) {
    const auto line = h.start + stride * static_cast<uint64_t>(h.top_down ? y : h.height - 1 - y);
    for (int64_t x = 0; x < h.width; ++x) {
      const auto bit = static_cast<uint64_t>(x) * h.bits;
      for (int64_t c = 0; c < channels; ++c) {
        uint8_t value = 0;
        const auto channel = static_cast<size_t>(c);
        if (h.bits <= 8) {
          const uint32_t shift = 8 - h.bits - static_cast<uint32_t>(bit % 8);
          const uint32_t k = file.at(line + bit / 8) >> shift & ((1U << h.bits) - 1);
          check(k < h.colours, "[bmp] ", where, ": colour ", k, " of ", h.colours);
          value = colour(k, channel);
        } else if (h.bits == 24) {
          value = file.at(line + bit / 8 + 2 - channel);
        } else {
          value = under_mask(file.whole(line + bit / 8, h.bits / 8), h.mask[channel]);
        }
        out[c * plane + y * h.width + x] = value;
      }
    }
  }
  return {pixels};
}

namespace {

/// Numbers and bytes of a PNM file.
class PnmText {
 public:
  PnmText(std::string_view bytes, const std::string& where)
      : rest_(bytes.substr(2)), where_(where) {}
  int64_t number() {
    for (;;) {
      while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())))
        rest_.remove_prefix(1);
      if (rest_.empty() || rest_.front() != '#') break;
      rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
    }
    int64_t value = -1;
    while (!rest_.empty() && std::isdigit(static_cast<unsigned char>(rest_.front())) &&
           value < (1 << 30)) {
      value = std::max<int64_t>(value, 0) * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    check(value >= 0, "[pnm] ", where_,
          ": ends too early, or holds something that is not a number");
    return value;
  }
  /// What lies behind the one space that ends the header.
  std::string_view bytes() const { return rest_.substr(std::min<size_t>(1, rest_.size())); }

 private:
  std::string_view rest_;
  const std::string& where_;
};

}  // namespace

Picture decode_pnm(std::string_view bytes, const std::string& where, int64_t most) {
  const bool binary = bytes[1] > '3';
  const int64_t channels = bytes[1] == '3' || bytes[1] == '6' ? 3 : 1;
  PnmText text(bytes, where);
  const int64_t width = text.number(), height = text.number(), levels = text.number();
  check_image_size(width, height, "pnm", where, most);
  check(levels >= 1 && levels <= 65535, "[pnm] ", where, ": largest value ", levels,
        ", allowed 1 to 65535");
  const int64_t count = width * height * channels, size = levels > 255 ? 2 : 1;
  const auto data = text.bytes();
  check(static_cast<int64_t>(data.size()) >= (binary ? count * size : 2 * count - 1), "[pnm] ",
        where, ": ends too early");
  auto values = torch::empty({height, width, channels}, torch::kInt32);
  auto* out = values.data_ptr<int32_t>();
  for (int64_t i = 0; i < count; ++i) {
    int64_t value = 0;
    if (!binary) {
      value = text.number();
    } else {
      const auto byte = [&](int64_t k) {
        return static_cast<unsigned char>(data[static_cast<size_t>(k)]);
      };
      value = size == 1 ? byte(i) : byte(2 * i) << 8 | byte(2 * i + 1);
    }
    check(value <= levels, "[pnm] ", where, ": holds ", value, ", its largest value is ", levels);
    out[i] = static_cast<int32_t>(value);
  }
  Picture picture;
  picture.pixels = values.permute({2, 0, 1}).contiguous();
  picture.levels = levels;
  if (levels > 255) return picture;
  picture.pixels = as_bytes(picture);
  picture.levels = 255;
  return picture;
}

}  // namespace elbo
