#include <webp/decode.h>

#include <memory>

#include "elbo/core/error.h"
#include "elbo/io/jpeg.h"
#include "elbo/io/picture.h"

namespace elbo {
namespace {

/// EXIF's orientation in the chunks of the container.
int orientation_in_webp(std::string_view bytes) {
  const auto length = [&](size_t at) {
    size_t n = 0;
    for (size_t k = 4; k-- > 0;) n = n << 8 | static_cast<unsigned char>(bytes[at + k]);
    return n;
  };
  for (size_t at = 12; at + 8 <= bytes.size();) {
    const size_t size = length(at + 4);
    if (size > bytes.size() - at - 8) return 1;
    auto body = bytes.substr(at + 8, size);
    if (bytes.substr(at, 4) == "EXIF") {
      if (body.substr(0, 4) == "Exif") body.remove_prefix(std::min<size_t>(6, body.size()));
      return exif_orientation(body);
    }
    at += 8 + size + size % 2;
  }
  return 1;
}

}  // namespace

bool has_webp() { return true; }

Picture decode_webp(std::string_view bytes, const std::string& where, int64_t most) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  WebPBitstreamFeatures features;
  check(WebPGetFeatures(data, bytes.size(), &features) == VP8_STATUS_OK, "[webp] ", where,
        ": damaged, or ends too early");
  check(!features.has_animation, "[webp] ", where, ": is an animation, which is not read");
  check_image_size(features.width, features.height, "webp", where, most);
  int width = 0, height = 0;
  const std::unique_ptr<uint8_t, void (*)(void*)> pixels(
      WebPDecodeRGBA(data, bytes.size(), &width, &height), WebPFree);
  check(pixels != nullptr, "[webp] ", where, ": damaged, or ends too early");
  const auto rgba = torch::from_blob(pixels.get(), {height, width, 4}, torch::kUInt8);
  Picture picture;
  picture.pixels = on_white(rgba, false);
  picture.orientation = orientation_in_webp(bytes);
  return picture;
}

}  // namespace elbo
