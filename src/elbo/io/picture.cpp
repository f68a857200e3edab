#include "elbo/io/picture.h"

#include "elbo/core/error.h"
#include "elbo/io/image.h"
#include "elbo/io/jpeg.h"

namespace elbo {

int exif_orientation(std::string_view block) {
  const auto byte = [&](size_t i) {
    return i < block.size() ? static_cast<unsigned char>(block[i]) : 0U;
  };
  const bool little = block.substr(0, 2) == "II";
  if (!little && block.substr(0, 2) != "MM") return 1;
  const auto whole = [&](size_t at, size_t bytes) {
    uint32_t value = 0;
    for (size_t k = 0; k < bytes; ++k) {
      const size_t i = little ? at + bytes - 1 - k : at + k;
      value = value << 8 | byte(i);
    }
    return value;
  };
  const size_t table = whole(4, 4);
  if (table > block.size()) return 1;
  const size_t entries = whole(table, 2);
  constexpr uint32_t kOrientation = 0x112;
  for (size_t k = 0; k < entries && table + 14 + 12 * k <= block.size(); ++k) {
    const size_t at = table + 2 + 12 * k;
    if (whole(at, 2) != kOrientation) continue;
    const auto value = whole(at + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Tensor upright(const Tensor& pixels, int orientation) {
  auto x = pixels;
  if (orientation >= 5) x = x.transpose(1, 2);  // 5 is that alone
  switch (orientation) {
    case 2:
    case 6:
      x = x.flip({2});
      break;
    case 3:
    case 7:
      x = x.flip({1, 2});
      break;
    case 4:
    case 8:
      x = x.flip({1});
      break;
    default:
      break;
  }
  return x.contiguous();
}

Tensor as_bytes(const Picture& picture) {
  if (picture.pixels.scalar_type() == torch::kUInt8) return picture.pixels;
  const double step = 255.0 / static_cast<double>(picture.levels);
  return (picture.pixels.to(torch::kFloat64) * step).round().to(torch::kUInt8);
}

Tensor on_white(const Tensor& rgba, bool grey) {
  const auto x = rgba.permute({2, 0, 1}).to(torch::kInt32);
  const auto alpha = x.narrow(0, 3, 1);
  const auto colour = x.narrow(0, 0, grey ? 1 : 3);
  return ((colour * alpha + 255 * (255 - alpha) + 127).floor_divide(255))
      .to(torch::kUInt8)
      .contiguous();
}

namespace {

int orientation_in_png(std::string_view bytes) {
  const auto length = [&](size_t at) {
    size_t n = 0;
    for (size_t k = 0; k < 4; ++k) n = n << 8 | static_cast<unsigned char>(bytes[at + k]);
    return n;
  };
  for (size_t at = 8; at + 12 <= bytes.size();) {
    const auto size = length(at);
    if (size > bytes.size() - at - 12) return 1;
    const auto name = bytes.substr(at + 4, 4);
    if (name == "eXIf") return exif_orientation(bytes.substr(at + 8, size));
    if (name == "IDAT") return 1;
    at += 12 + size;
  }
  return 1;
}

int orientation_in_jpeg(std::string_view bytes) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  for (size_t at = 2; at + 4 <= bytes.size() && byte(at) == 0xff;) {
    const auto marker = byte(at + 1);
    if (marker == 0xff) {
      ++at;
      continue;
    }
    if (marker == 0xda || marker == 0xd9) return 1;
    const size_t size = static_cast<size_t>(byte(at + 2)) << 8 | byte(at + 3);
    if (size < 2 || at + 2 + size > bytes.size()) return 1;
    const auto body = bytes.substr(at + 4, size - 2);
    if (marker == 0xe1 && body.substr(0, 6) == std::string_view("Exif\0\0", 6)) {
      return exif_orientation(body.substr(6));
    }
    at += 2 + size;
  }
  return 1;
}

bool is_deep_png(std::string_view bytes) {
  constexpr size_t kDepth = 24;  // of the first chunk
  return bytes.size() > kDepth && bytes[kDepth] == 16;
}

bool is_webp(std::string_view bytes) {
  return bytes.substr(0, 4) == "RIFF" && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP";
}

bool is_tiff(std::string_view bytes) {
  const auto head = bytes.substr(0, 4);
  return head == std::string_view("II*\0", 4) || head == std::string_view("MM\0*", 4);
}

}  // namespace

Picture decode_picture(std::string_view bytes, const std::string& where, int64_t most) {
  if (bytes.substr(0, 4) == "\x89PNG") {
    auto picture = is_deep_png(bytes) ? decode_deep_png(bytes, where, most)
                                      : Picture{decode_png(bytes, where, most)};
    picture.orientation = orientation_in_png(bytes);
    return picture;
  }
  if (bytes.substr(0, 2) == "\xff\xd8") {
    Picture picture;
    picture.pixels = decode_jpeg(bytes, where, most, &picture.cmyk);
    picture.orientation = orientation_in_jpeg(bytes);
    return picture;
  }
  if (is_webp(bytes)) return decode_webp(bytes, where, most);
  if (bytes.substr(0, 4) == "GIF8") return decode_gif(bytes, where, most);
  if (is_tiff(bytes)) return decode_tiff(bytes, where, most);
  if (bytes.substr(0, 2) == "BM") return decode_bmp(bytes, where, most);
  const bool pnm = bytes.size() > 2 && bytes[0] == 'P' &&
                   std::string_view("2356").find(bytes[1]) != std::string_view::npos;
  if (pnm) return decode_pnm(bytes, where, most);
  fail("[image] ", where, ": neither PNG nor JPEG, BMP, PGM, PPM, WebP, GIF or TIFF");
}

std::string package_for(const std::string& ending) {
  if (ending == ".webp" && !has_webp()) return "libwebp-dev";
  if (ending == ".gif" && !has_gif()) return "libgif-dev";
  if ((ending == ".tif" || ending == ".tiff") && !has_tiff()) return "libtiff-dev";
  return "";
}

}  // namespace elbo
