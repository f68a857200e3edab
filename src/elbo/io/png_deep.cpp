#include <png.h>

#include <csetjmp>
#include <cstring>

#include "elbo/core/error.h"
#include "elbo/io/jpeg.h"
#include "elbo/io/picture.h"

namespace elbo {
namespace {

/// libpng reports errors by a call that must not return: it jumps back into run().
class DeepPng {
 public:
  explicit DeepPng(std::string_view bytes) : rest_(bytes) {
    png_ = png_create_read_struct(
        PNG_LIBPNG_VER_STRING, this,
        [](png_structp png, png_const_charp text) {
          auto& self = *static_cast<DeepPng*>(png_get_error_ptr(png));
          std::strncpy(self.message, text, sizeof self.message - 1);
          std::longjmp(self.jump_, 1);
        },
        [](png_structp, png_const_charp) {});
    if (png_) info_ = png_create_info_struct(png_);
    if (!png_ || !info_) return;
    png_set_read_fn(png_, this, [](png_structp png, png_bytep to, png_size_t count) {
      auto& self = *static_cast<DeepPng*>(png_get_io_ptr(png));
      if (count > self.rest_.size()) png_error(png, "ends too early");
      std::memcpy(to, self.rest_.data(), count);
      self.rest_.remove_prefix(count);
    });
  }
  ~DeepPng() {
    if (png_) png_destroy_read_struct(&png_, &info_, nullptr);
  }
  DeepPng(const DeepPng&) = delete;
  DeepPng& operator=(const DeepPng&) = delete;

  bool read_header() {
    return png_ && info_ && run([&] {
             png_read_info(png_, info_);
             if (png_get_valid(png_, info_, PNG_INFO_tRNS)) png_set_tRNS_to_alpha(png_);
             png_set_swap(png_);
             passes_ = png_set_interlace_handling(png_);
             png_read_update_info(png_, info_);
           });
  }
  bool read_pixels(uint8_t* out) {
    return run([&] {
      const size_t stride = png_get_rowbytes(png_, info_);
      for (int pass = 0; pass < passes_; ++pass) {
        for (png_uint_32 y = 0; y < png_get_image_height(png_, info_); ++y) {
          png_read_row(png_, out + y * stride, nullptr);
        }
      }
      png_read_end(png_, nullptr);
    });
  }
  int64_t width() const { return png_get_image_width(png_, info_); }
  int64_t height() const { return png_get_image_height(png_, info_); }
  int64_t channels() const { return png_get_channels(png_, info_); }

  char message[128] = "";

 private:
  /// `steps` must own nothing: a jump runs no destructors.
  template <class Steps>
  bool run(const Steps& steps) {
    if (setjmp(jump_) != 0) return false;
    steps();
    return true;
  }

  std::string_view rest_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  int passes_ = 1;
  std::jmp_buf jump_;
};

}  // namespace

Picture decode_deep_png(std::string_view bytes, const std::string& where, int64_t most) {
  constexpr int64_t kLevels = 65535;
  DeepPng png(bytes);
  check(png.read_header(), "[png] ", where, ": ", png.message);
  check_image_size(png.width(), png.height(), "png", where, most);
  const auto channels = png.channels();
  auto raw = torch::empty({png.height(), png.width(), channels}, torch::kInt16);
  check(png.read_pixels(static_cast<uint8_t*>(raw.data_ptr())), "[png] ", where, ": ", png.message);
  auto x = raw.to(torch::kInt32).bitwise_and(0xffff).permute({2, 0, 1});
  if (channels == 2 || channels == 4) {  // transparency on white
    const auto alpha = x.narrow(0, channels - 1, 1).to(torch::kInt64);
    const auto colour = x.narrow(0, 0, channels - 1).to(torch::kInt64);
    x = ((colour * alpha + kLevels * (kLevels - alpha) + kLevels / 2).floor_divide(kLevels))
            .to(torch::kInt32);
  }
  Picture picture;
  constexpr int64_t kByteStep = 257;  // 255 * 257 = 65535: bytes in a wider file
  if (x.remainder(kByteStep).eq(0).all().item<bool>()) {
    picture.pixels = x.floor_divide(kByteStep).to(torch::kUInt8).contiguous();
    return picture;
  }
  picture.pixels = x.contiguous();
  picture.levels = kLevels;
  return picture;
}

}  // namespace elbo
