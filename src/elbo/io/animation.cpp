#include "elbo/io/animation.h"

#include <zlib.h>

#include <map>
#include <string_view>

#include "elbo/core/error.h"
#include "elbo/io/file.h"
#include "elbo/io/image.h"

namespace elbo {
namespace {

void check_frames(const std::vector<Tensor>& frames) {
  check(!frames.empty(), "[animation] no frames");
  for (const auto& frame : frames) {
    check(frame.dim() == 3 && frame.sizes() == frames[0].sizes(), "[animation] frames of ",
          to_string(frames[0].sizes().vec()), " and ", to_string(frame.sizes().vec()));
  }
}

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}
std::string big_endian_short(int64_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}
std::string little_endian_short(int64_t value) {
  return {static_cast<char>(value), static_cast<char>(value >> 8)};
}

std::string png_chunk(const std::string& type, const std::string& data) {
  const auto body = type + data;
  const auto sum =
      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<uint32_t>(data.size())) + body +
         big_endian(static_cast<uint32_t>(sum));
}

/// The data of all chunks of a type in a PNG file that this program wrote, joined.
std::string chunk_data(std::string_view png, std::string_view type) {
  constexpr size_t kSignature = 8;
  std::string data;
  for (size_t at = kSignature; at + 12 <= png.size();) {
    uint32_t size = 0;
    for (size_t i = 0; i < 4; ++i) size = size << 8 | static_cast<uint8_t>(png[at + i]);
    if (png.substr(at + 4, 4) == type) data += png.substr(at + 8, size);
    at += size + 12;
  }
  return data;
}

/// [H * W] palette numbers, and the palette's 256 colours of three bytes.
struct Indexed {
  Tensor pixels;
  std::string palette;
};
Indexed indexed(const Tensor& frame) {
  Indexed out;
  if (frame.size(0) == 1) {
    for (int i = 0; i < 256; ++i) out.palette += std::string(3, static_cast<char>(i));
    out.pixels = frame[0].contiguous().flatten();
    return out;
  }
  constexpr int kRed = 6, kGreen = 7, kBlue = 6;
  for (int i = 0; i < 256; ++i) {
    const int r = i / (kGreen * kBlue) % kRed, g = i / kBlue % kGreen, b = i % kBlue;
    out.palette +=
        {static_cast<char>(r * 255 / (kRed - 1)), static_cast<char>(g * 255 / (kGreen - 1)),
         static_cast<char>(b * 255 / (kBlue - 1))};
  }
  const auto level = [&](int64_t channel, int count) {
    return (frame[channel].to(torch::kFloat32) * (count - 1) / 255).round();
  };
  const auto number = (level(0, kRed) * kGreen + level(1, kGreen)) * kBlue + level(2, kBlue);
  out.pixels = number.to(torch::kUInt8).contiguous().flatten();
  return out;
}

/// GIF's variable-width LZW of bytes, cut into blocks of at most 255.
class GifPixels {
 public:
  std::string encode(const Tensor& pixels) {
    const auto* p = pixels.data_ptr<uint8_t>();
    reset();
    put(kClear);
    int now = p[0];
    for (int64_t i = 1; i < pixels.numel(); ++i) {
      const auto key = std::pair<int, int>(now, p[i]);
      if (const auto found = table_.find(key); found != table_.end()) {
        now = found->second;
        continue;
      }
      put(now);
      if (next_ == kMostCodes) {
        put(kClear);
        reset();
      } else {
        if (next_ == 1 << width_) ++width_;
        table_[key] = next_++;
      }
      now = p[i];
    }
    put(now);
    put(kEnd);
    if (used_ > 0) bytes_ += static_cast<char>(bits_);
    return blocks();
  }

 private:
  static constexpr int kClear = 256, kEnd = 257, kMostCodes = 4096;
  void reset() {
    table_.clear();
    next_ = kEnd + 1;
    width_ = 9;
  }
  void put(int code) {
    bits_ |= static_cast<uint32_t>(code) << used_;
    for (used_ += width_; used_ >= 8; used_ -= 8, bits_ >>= 8) bytes_ += static_cast<char>(bits_);
  }
  std::string blocks() const {
    std::string out(1, '\x08');  // bits of a pixel
    for (size_t at = 0; at < bytes_.size(); at += 255) {
      const auto piece = bytes_.substr(at, 255);
      out += static_cast<char>(piece.size()) + piece;
    }
    return out + '\0';
  }

  std::map<std::pair<int, int>, int> table_;
  int next_ = 0, width_ = 0, used_ = 0;
  uint32_t bits_ = 0;
  std::string bytes_;
};

}  // namespace

bool is_animation_name(const std::string& path) {
  return path.ends_with(".apng") || path.ends_with(".gif");
}

std::string encode_apng(const std::vector<Tensor>& frames, int64_t milliseconds) {
  check_frames(frames);
  const auto first = encode_png(frames[0]);
  const auto header = chunk_data(first, "IHDR");
  std::string out =
      first.substr(0, 8) + png_chunk("IHDR", header) +
      png_chunk("acTL", big_endian(static_cast<uint32_t>(frames.size())) + big_endian(0));
  uint32_t number = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    const auto png = i == 0 ? first : encode_png(frames[i]);
    // Width and height are the header's; no offset, shown whole in place of the last one.
    out += png_chunk("fcTL", big_endian(number++) + header.substr(0, 8) + big_endian(0) +
                                 big_endian(0) + big_endian_short(milliseconds) +
                                 big_endian_short(1000) + std::string(2, '\0'));
    const auto data = chunk_data(png, "IDAT");
    out += i == 0 ? png_chunk("IDAT", data) : png_chunk("fdAT", big_endian(number++) + data);
  }
  return out + png_chunk("IEND", "");
}

std::string encode_gif(const std::vector<Tensor>& frames, int64_t milliseconds) {
  check_frames(frames);
  const auto width = little_endian_short(frames[0].size(2)),
             height = little_endian_short(frames[0].size(1));
  check(frames[0].size(1) < 65536 && frames[0].size(2) < 65536,
        "[gif] sides of at most 65535 pixels, found ", to_string(frames[0].sizes().vec()));
  std::string out =
      "GIF89a" + width + height + std::string("\xf7\0\0", 3) + indexed(frames[0]).palette;
  out += std::string("\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0", 19);  // for ever
  for (const auto& frame : frames) {
    out += std::string("\x21\xf9\x04\0", 4) + little_endian_short(milliseconds / 10) +
           std::string(2, '\0');
    out += "," + std::string(4, '\0') + width + height + '\0';
    out += GifPixels().encode(indexed(frame).pixels);
  }
  return out + ';';
}

void write_animation(const std::string& path, const std::vector<Tensor>& frames,
                     int64_t milliseconds) {
  write_file_atomic(path, path.ends_with(".gif") ? encode_gif(frames, milliseconds)
                                                 : encode_apng(frames, milliseconds));
}

}  // namespace elbo
