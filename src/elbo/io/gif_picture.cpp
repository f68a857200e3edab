#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "elbo/core/error.h"
#include "elbo/io/jpeg.h"
#include "elbo/io/picture.h"

namespace elbo {
namespace {

int read_gif(GifFileType* gif, GifByteType* to, int most) {
  auto& rest = *static_cast<std::string_view*>(gif->UserData);
  const auto count = std::min<size_t>(static_cast<size_t>(most), rest.size());
  std::memcpy(to, rest.data(), count);
  rest.remove_prefix(count);
  return static_cast<int>(count);
}

/// Goes through a file's records; the first picture is painted on white.
class GifReader {
 public:
  GifReader(std::string_view bytes, const std::string& where, int64_t most)
      : rest_(bytes), where_(where), most_(most) {
    int error = 0;
    gif_.reset(DGifOpen(&rest_, read_gif, &error));
    check(gif_ != nullptr, "[gif] ", where, ": damaged");
    check_image_size(gif_->SWidth, gif_->SHeight, "gif", where, most);
    canvas_ = torch::full({gif_->SHeight, gif_->SWidth, 4}, 255, torch::kUInt8);
  }

  Picture read() {
    for (GifRecordType type = UNDEFINED_RECORD_TYPE; type != TERMINATE_RECORD_TYPE;) {
      if (DGifGetRecordType(gif_.get(), &type) == GIF_ERROR) break;  // a cut file may lack its end
      if (type == EXTENSION_RECORD_TYPE) take_extension();
      if (type == IMAGE_DESC_RECORD_TYPE) take_picture();
    }
    check(frames_ > 0, "[gif] ", where_, ": holds no picture, or ends too early");
    Picture picture;
    picture.pixels = on_white(canvas_, grey_);
    picture.frames = frames_;
    return picture;
  }

 private:
  struct Close {
    void operator()(GifFileType* gif) const {
      int error = 0;
      DGifCloseFile(gif, &error);
    }
  };
  void must(int status) {
    check(status != GIF_ERROR, "[gif] ", where_, ": damaged, or ends too early");
  }

  void take_extension() {
    int code = 0;
    GifByteType* block = nullptr;
    must(DGifGetExtension(gif_.get(), &code, &block));
    while (block != nullptr) {
      const bool transparent =
          code == GRAPHICS_EXT_FUNC_CODE && block[0] >= 4 && (block[1] & 1) != 0;
      if (transparent && frames_ == 0) transparent_ = block[4];
      must(DGifGetExtensionNext(gif_.get(), &block));
    }
  }

  void take_picture() {
    must(DGifGetImageDesc(gif_.get()));
    if (frames_++ > 0) {
      int size = 0;
      GifByteType* block = nullptr;
      must(DGifGetCode(gif_.get(), &size, &block));
      while (block != nullptr) must(DGifGetCodeNext(gif_.get(), &block));
      return;
    }
    const auto& place = gif_->Image;
    check_image_size(place.Width, place.Height, "gif", where_, most_);
    const auto* colours = place.ColorMap ? place.ColorMap : gif_->SColorMap;
    check(colours != nullptr, "[gif] ", where_, ": has no colours");
    for (int k = 0; k < colours->ColorCount; ++k) {
      const auto& c = colours->Colors[k];
      grey_ = grey_ && c.Red == c.Green && c.Green == c.Blue;
    }
    constexpr int kFirst[] = {0, 4, 2, 1}, kStep[] = {8, 8, 4, 2};  // of interlaced lines
    std::vector<GifPixelType> line(static_cast<size_t>(place.Width));
    for (int pass = 0; pass < (place.Interlace ? 4 : 1); ++pass) {
      const int step = place.Interlace ? kStep[pass] : 1;
      for (int y = place.Interlace ? kFirst[pass] : 0; y < place.Height; y += step) {
        must(DGifGetLine(gif_.get(), line.data(), place.Width));
        paint(line, *colours, y);
      }
    }
  }

  void paint(const std::vector<GifPixelType>& line, const ColorMapObject& colours, int y) {
    const auto& place = gif_->Image;
    auto* out = canvas_.data_ptr<uint8_t>();
    const int row = place.Top + y;
    for (int x = 0; x < place.Width; ++x) {
      const int k = line[static_cast<size_t>(x)], column = place.Left + x;
      const bool seen = row >= 0 && row < gif_->SHeight && column >= 0 && column < gif_->SWidth;
      if (!seen || k == transparent_ || k >= colours.ColorCount) continue;
      auto* pixel = out + 4 * (static_cast<int64_t>(row) * gif_->SWidth + column);
      const auto& c = colours.Colors[k];
      pixel[0] = c.Red;
      pixel[1] = c.Green;
      pixel[2] = c.Blue;
    }
  }

  std::string_view rest_;
  const std::string& where_;
  std::unique_ptr<GifFileType, Close> gif_;
  Tensor canvas_;
  int transparent_ = -1;
  int64_t frames_ = 0;
  bool grey_ = true;
  const int64_t most_;
};

}  // namespace

bool has_gif() { return true; }

Picture decode_gif(std::string_view bytes, const std::string& where, int64_t most) {
  return GifReader(bytes, where, most).read();
}

}  // namespace elbo
