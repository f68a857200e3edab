#include "elbo/io/image.h"

#include <png.h>

#include <algorithm>
#include <cstring>

#include "elbo/core/error.h"
#include "elbo/core/text.h"
#include "elbo/io/file.h"
#include "elbo/io/jpeg.h"
#include "elbo/io/picture.h"

namespace elbo {
namespace {

/// What libpng says; that it is out of memory says nothing about the picture.
[[noreturn]] void refuse_png(const std::string& before, const char* message) {
  if (std::string_view(message).find("insufficient memory") != std::string_view::npos)
    throw std::bad_alloc();
  fail("[png] ", before, message);
}

struct Png {
  png_image image{};
  Png() { image.version = PNG_IMAGE_VERSION; }
  ~Png() { png_image_free(&image); }
};

}  // namespace

Tensor decode_png(std::string_view bytes, const std::string& where, int64_t most) {
  Png png;
  auto& image = png.image;
  const auto good = [&](int done) {
    if (done == 0) refuse_png(where + ": ", image.message);
  };
  good(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()));
  check_image_size(image.width, image.height, "png", where, most);
  const int64_t channels = image.format & PNG_FORMAT_FLAG_COLOR ? 3 : 1;
  image.format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  // Without this flag 16-bit files would be read as linear light and come out brighter.
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  auto pixels = torch::empty({image.height, image.width, channels}, torch::kUInt8);
  const png_color white{255, 255, 255};
  good(png_image_finish_read(&image, &white, pixels.data_ptr<uint8_t>(), 0, nullptr));
  return pixels.permute({2, 0, 1}).contiguous();
}

void check_image_size(int64_t width, int64_t height, const char* format, const std::string& where,
                      int64_t most) {
  check(width > 0 && height > 0 && width <= most / height, "[", format, "] ", where, ": ", width,
        "x", height, " pixels, at most ", most, " in all");
}

Tensor decode_image(std::string_view bytes, const std::string& where, int64_t most) {
  const auto picture = decode_picture(bytes, where, most);
  return upright(as_bytes(picture), picture.orientation);
}

bool is_image_name(const std::string& name) {
  const auto dot = name.rfind('.');
  if (dot == std::string::npos) return false;
  const auto end = lower_case(name.substr(dot + 1));
  for (const char* known : {"png", "jpg", "jpeg", "jpe", "jfif", "bmp", "pgm", "ppm", "pnm"}) {
    if (end == known) return true;
  }
  if (end == "tif" || end == "tiff") return has_tiff();
  return (end == "webp" && has_webp()) || (end == "gif" && has_gif());
}

std::string encode_png(const Tensor& image) {
  check(image.dim() == 3 && image.scalar_type() == torch::kUInt8 && image.numel() > 0 &&
            (image.size(0) == 1 || image.size(0) == 3),
        "[png] cannot write ", to_string(image.sizes().vec()), " of ",
        torch::toString(image.scalar_type()), ", expected bytes, 1 or 3 x height x width");
  const auto pixels = image.to(torch::kCPU).permute({1, 2, 0}).contiguous();
  Png png;
  png.image.width = static_cast<png_uint_32>(image.size(2));
  png.image.height = static_cast<png_uint_32>(image.size(1));
  png.image.format = image.size(0) == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  check_image_size(image.size(2), image.size(1), "png", "picture", kMostPixels);
  constexpr int64_t kMostAlong = 1'000'000;  // what libpng takes
  check(std::max(image.size(1), image.size(2)) <= kMostAlong, "[png] cannot write a picture of ",
        image.size(2), " x ", image.size(1), " pixels, at most ", kMostAlong, " along a side");
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png.image);
  std::string bytes(size, '\0');
  const bool written = png_image_write_to_memory(&png.image, bytes.data(), &size, 0,
                                                 pixels.data_ptr<uint8_t>(), 0, nullptr) != 0;
  if (!written) refuse_png("", png.image.message);
  bytes.resize(size);
  return bytes;
}

void write_png(const std::string& path, const Tensor& image) {
  write_file_atomic(path, encode_png(image));
}

Tensor image_grid(const Tensor& images, int64_t columns, int64_t gap) {
  check(images.dim() == 4 && images.numel() > 0 && columns > 0, "[image] cannot lay out ",
        to_string(images.sizes().vec()), ", expected images x channels x height x width");
  const int64_t n = images.size(0), height = images.size(2), width = images.size(3);
  columns = std::min(columns, n);
  const int64_t rows = (n + columns - 1) / columns;
  constexpr double kGray = 128;  // tells images apart on dark and on light ground
  auto picture =
      torch::full({images.size(1), rows * (height + gap) - gap, columns * (width + gap) - gap},
                  kGray, torch::kUInt8);
  const auto bytes = images.detach()
                         .to(torch::kCPU, torch::kFloat32)
                         .nan_to_num(0)
                         .clamp(0, 1)
                         .mul(255)
                         .round()
                         .to(torch::kUInt8);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t top = i / columns * (height + gap), left = i % columns * (width + gap);
    picture.narrow(1, top, height).narrow(2, left, width).copy_(bytes[i]);
  }
  return picture;
}

Tensor resize_image(const Tensor& image, int64_t height, int64_t width) {
  if (image.size(1) == height && image.size(2) == width) return image;
  const auto resized = torch::_upsample_bilinear2d_aa(image.to(torch::kFloat32).unsqueeze(0),
                                                      {height, width}, false);
  if (image.scalar_type() != torch::kUInt8) return resized.squeeze(0);
  return resized.squeeze(0).round().clamp(0, 255).to(torch::kUInt8);
}

}  // namespace elbo
