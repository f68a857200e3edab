#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "elbo/core/error.h"
#include "elbo/io/jpeg.h"
#include "elbo/io/picture.h"

namespace elbo {
namespace {

thread_local char tiff_message[256] = "";

/// A file in memory.
struct TiffBytes {
  std::string_view bytes;
  toff_t at = 0;
};

tmsize_t read_tiff(thandle_t handle, void* to, tmsize_t most) {
  auto& file = *static_cast<TiffBytes*>(handle);
  if (file.at >= file.bytes.size()) return 0;
  const auto count = std::min<size_t>(static_cast<size_t>(most), file.bytes.size() - file.at);
  std::memcpy(to, file.bytes.data() + file.at, count);
  file.at += count;
  return static_cast<tmsize_t>(count);
}

toff_t seek_tiff(thandle_t handle, toff_t offset, int whence) {
  auto& file = *static_cast<TiffBytes*>(handle);
  file.at = offset + (whence == SEEK_CUR ? file.at : whence == SEEK_END ? file.bytes.size() : 0);
  return file.at;
}

std::shared_ptr<TIFF> open_tiff(TiffBytes& file, const std::string& where) {
  static const bool quiet = [] {
    TIFFSetWarningHandler(nullptr);
    TIFFSetErrorHandler([](const char*, const char* format, va_list words) {
      std::vsnprintf(tiff_message, sizeof tiff_message, format, words);
    });
    return true;
  }();
  (void)quiet;
  tiff_message[0] = 0;
  std::shared_ptr<TIFF> tiff(
      TIFFClientOpen(
          "picture", "rm", &file, read_tiff,
          [](thandle_t, void*, tmsize_t) -> tmsize_t { return 0; }, seek_tiff,
          [](thandle_t) { return 0; },
          [](thandle_t handle) -> toff_t { return static_cast<TiffBytes*>(handle)->bytes.size(); },
          nullptr, nullptr),
      [](TIFF* t) {
        if (t) TIFFClose(t);
      });
  check(tiff != nullptr, "[tiff] ", where, ": ", tiff_message);
  return tiff;
}

template <class T>
T tiff_field(TIFF* tiff, uint32_t name) {
  T value = 0;
  TIFFGetFieldDefaulted(tiff, name, &value);
  return value;
}

/// 16 bits a channel, line by line.
Tensor deep_lines(TIFF* tiff, int64_t width, int64_t height, int64_t channels,
                  const std::string& where) {
  check(TIFFScanlineSize64(tiff) == static_cast<uint64_t>(2 * width * channels), "[tiff] ", where,
        ": lines of another size than its header says");
  auto raw = torch::empty({height, width, channels}, torch::kInt16);
  auto* out = static_cast<char*>(raw.data_ptr());
  for (int64_t y = 0; y < height; ++y) {
    check(TIFFReadScanline(tiff, out + y * 2 * width * channels, static_cast<uint32_t>(y), 0) == 1,
          "[tiff] ", where, ": ", tiff_message);
  }
  return raw.to(torch::kInt32).bitwise_and(0xffff).permute({2, 0, 1});
}

}  // namespace

bool has_tiff() { return true; }

Picture decode_tiff(std::string_view bytes, const std::string& where, int64_t most) {
  TiffBytes file{bytes};
  const auto tiff = open_tiff(file, where);
  const auto width = tiff_field<uint32_t>(tiff.get(), TIFFTAG_IMAGEWIDTH);
  const auto height = tiff_field<uint32_t>(tiff.get(), TIFFTAG_IMAGELENGTH);
  check_image_size(width, height, "tiff", where, most);
  const auto bits = tiff_field<uint16_t>(tiff.get(), TIFFTAG_BITSPERSAMPLE);
  const auto samples = tiff_field<uint16_t>(tiff.get(), TIFFTAG_SAMPLESPERPIXEL);
  const auto format = tiff_field<uint16_t>(tiff.get(), TIFFTAG_SAMPLEFORMAT);
  uint16_t colours = 0;
  TIFFGetField(tiff.get(), TIFFTAG_PHOTOMETRIC, &colours);
  const bool grey = colours == PHOTOMETRIC_MINISBLACK || colours == PHOTOMETRIC_MINISWHITE;
  check(bits <= 16 && format != SAMPLEFORMAT_IEEEFP, "[tiff] ", where, ": ", bits,
        " bits a number, read are up to 16; save such pictures as .npy");
  Picture picture;
  if (bits == 16) {
    const bool plain = !TIFFIsTiled(tiff.get()) && format != SAMPLEFORMAT_INT &&
                       (grey ? samples == 1 : colours == PHOTOMETRIC_RGB && samples == 3) &&
                       (samples == 1 || tiff_field<uint16_t>(tiff.get(), TIFFTAG_PLANARCONFIG) ==
                                            PLANARCONFIG_CONTIG);
    check(plain, "[tiff] ", where, ": 16 bits in tiles, planes, signed or with ", samples,
          " channels are not read; save such pictures as .npy");
    picture.pixels = deep_lines(tiff.get(), width, height, samples, where);
    if (colours == PHOTOMETRIC_MINISWHITE) picture.pixels = 65535 - picture.pixels;
    picture.pixels = picture.pixels.contiguous();
    picture.levels = 65535;
    picture.orientation = tiff_field<uint16_t>(tiff.get(), TIFFTAG_ORIENTATION);
  } else {
    auto raster = torch::empty({height, width}, torch::kInt32);
    const auto done = TIFFReadRGBAImageOriented(tiff.get(), width, height,
                                                static_cast<uint32_t*>(raster.data_ptr()),
                                                ORIENTATION_TOPLEFT, 1);
    check(done == 1, "[tiff] ", where, ": ", tiff_message);
    const auto channel = [&](int64_t k) {
      return raster.bitwise_right_shift(8 * k).bitwise_and(0xff);
    };
    const auto rest = 255 - channel(3);  // colours come multiplied by how opaque they are
    std::vector<Tensor> planes;
    for (int64_t k = 0; k < (grey ? 1 : 3); ++k)
      planes.push_back((channel(k) + rest).clamp(0, 255));
    picture.pixels = torch::stack(planes).to(torch::kUInt8).contiguous();
    picture.cmyk = colours == PHOTOMETRIC_SEPARATED;
  }
  picture.frames = TIFFNumberOfDirectories(tiff.get());
  return picture;
}

}  // namespace elbo
