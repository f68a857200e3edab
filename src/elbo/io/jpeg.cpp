#include "elbo/io/jpeg.h"

#include <csetjmp>
#include <cstddef>
#include <cstdio>
// jpeglib.h wants the two above.
#include <jerror.h>
#include <jpeglib.h>

#include "elbo/core/error.h"

namespace elbo {
namespace {

/// libjpeg reports errors by a call that must not return: it jumps back into run().
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = [](j_common_ptr info) {
      auto& self = *static_cast<Decoder*>(info->client_data);
      info->err->format_message(info, self.message);
      std::longjmp(self.jump_, 1);
    };
    errors_.emit_message = [](j_common_ptr info, int level) {
      auto& self = *static_cast<Decoder*>(info->client_data);
      if (level >= 0) return;
      if (info->err->msg_code == JWRN_JPEG_EOF) self.truncated = true;
      if (!self.in_pixels_ || self.damaged || !is_damage(*info->err)) return;
      info->err->format_message(info, self.message);
      self.damaged = true;
    };
    created_ = run([&] {
      jpeg_create_decompress(&info_);
      jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    });
  }
  ~Decoder() {
    if (created_) jpeg_destroy_decompress(&info_);
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  bool read_header() {
    return created_ && run([&] {
             jpeg_read_header(&info_, TRUE);
             const bool gray = info_.jpeg_color_space == JCS_GRAYSCALE;
             info_.out_color_space = gray ? JCS_GRAYSCALE : JCS_RGB;
             jpeg_calc_output_dimensions(&info_);
           });
  }
  bool read_pixels(uint8_t* out) {
    in_pixels_ = true;
    return run([&] {
      jpeg_start_decompress(&info_);
      const size_t stride = static_cast<size_t>(info_.output_width) * info_.output_components;
      while (info_.output_scanline < info_.output_height && !truncated && !damaged) {
        JSAMPROW row = out + info_.output_scanline * stride;
        jpeg_read_scanlines(&info_, &row, 1);
      }
      if (!truncated && !damaged) jpeg_finish_decompress(&info_);
    });
  }
  int64_t width() const { return info_.output_width; }
  int64_t height() const { return info_.output_height; }
  int64_t channels() const { return info_.out_color_space == JCS_GRAYSCALE ? 1 : 3; }

  char message[JMSG_LENGTH_MAX] = "";
  bool truncated = false, damaged = false;

 private:
  /// Of what libjpeg calls a warning, what gives other pixels than were stored.
  static bool is_damage(const jpeg_error_mgr& error) {
    constexpr int kPadding = 16, kEnd = 0xd9;  // cameras leave some bytes before the end
    switch (error.msg_code) {
      case JWRN_HIT_MARKER:
      case JWRN_HUFF_BAD_CODE:
      case JWRN_MUST_RESYNC:
      case JWRN_NOT_SEQUENTIAL:
        return true;
      case JWRN_EXTRANEOUS_DATA:
        return error.msg_parm.i[0] > kPadding || error.msg_parm.i[1] != kEnd;
      default:
        return false;
    }
  }
  /// `steps` must own nothing: a jump runs no destructors.
  template <class Steps>
  bool run(const Steps& steps) {
    if (setjmp(jump_) != 0) return false;
    steps();
    return true;
  }

  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  std::jmp_buf jump_;
  bool created_ = false, in_pixels_ = false;
};

}  // namespace

Tensor decode_jpeg(std::string_view bytes, const std::string& where, int64_t most) {
  Decoder decoder(bytes);
  check(decoder.read_header(), "[jpeg] ", where, ": ", decoder.message);
  check_image_size(decoder.width(), decoder.height(), "jpeg", where, most);
  auto pixels =
      torch::empty({decoder.height(), decoder.width(), decoder.channels()}, torch::kUInt8);
  const bool done = decoder.read_pixels(pixels.data_ptr<uint8_t>());
  check(!decoder.truncated, "[jpeg] ", where, ": ends too early");
  check(done && !decoder.damaged, "[jpeg] ", where, ": ", decoder.message);
  return pixels.permute({2, 0, 1}).contiguous();
}

}  // namespace elbo
