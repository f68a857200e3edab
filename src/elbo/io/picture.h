#pragma once

#include <string>
#include <string_view>

#include "elbo/core/tensor.h"

namespace elbo {

/// Pixels of a picture beyond which none is unpacked where nobody says less.
constexpr int64_t kMostPixels = int64_t{1} << 28;

/// A decoded picture file, as it is stored: not turned, not rounded.
struct Picture {
  Tensor pixels;         // [1 or 3, H, W]: uint8, or int32 where there are more than 256 levels
  int64_t levels = 255;  // the largest value a pixel can have
  int orientation = 1;   // EXIF: 1 upright, 3 upside down, 6 and 8 on its side, even ones mirrored
  bool cmyk = false;     // converted from printing colours
  int64_t frames = 1;    // of an animation or a file of several pages; the first is read
};

/// PNG, JPEG, BMP, PGM and PPM, and where their libraries are built in WebP, GIF and TIFF, told by
/// the content; transparency is laid on white. Raises an Error for anything else, naming `where`,
/// and for more than `most` pixels.
Picture decode_picture(std::string_view bytes, const std::string& where,
                       int64_t most = kMostPixels);
/// The picture as a viewer shows it.
Tensor upright(const Tensor& pixels, int orientation);
/// 8 bits of each pixel.
Tensor as_bytes(const Picture& picture);

/// EXIF's orientation in a block of TIFF, as JPEG, PNG and WebP carry it; 1 where it says nothing.
int exif_orientation(std::string_view block);
/// 8-bit pixels [1 or 3, H, W] from RGBA [H, W, 4] laid on white; one channel where `grey`.
Tensor on_white(const Tensor& rgba, bool grey);

Picture decode_bmp(std::string_view bytes, const std::string& where, int64_t most);
/// PGM and PPM, as text (P2, P3) or binary (P5, P6).
Picture decode_pnm(std::string_view bytes, const std::string& where, int64_t most);
/// A PNG of 16 bits a channel.
Picture decode_deep_png(std::string_view bytes, const std::string& where, int64_t most);

/// Formats of optional libraries: whether this build has them; decoding without is an Error.
bool has_webp();
bool has_gif();
bool has_tiff();
Picture decode_webp(std::string_view bytes, const std::string& where, int64_t most);
Picture decode_gif(std::string_view bytes, const std::string& where, int64_t most);
Picture decode_tiff(std::string_view bytes, const std::string& where, int64_t most);

/// The Debian package whose library reads files of this ending (".webp"), where this build lacks
/// it; empty where no library would help.
std::string package_for(const std::string& ending);

}  // namespace elbo
