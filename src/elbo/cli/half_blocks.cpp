#include "elbo/cli/half_blocks.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "elbo/io/image.h"

namespace elbo {

std::string half_blocks(const Tensor& image_, int64_t columns) {
  auto image = image_;
  if (image.size(2) > columns) {
    image =
        resize_image(image, std::max<int64_t>(1, image.size(1) * columns / image.size(2)), columns);
  }
  image = image.expand({3, image.size(1), image.size(2)}).contiguous();
  const auto* p = image.data_ptr<uint8_t>();
  const int64_t height = image.size(1), width = image.size(2), plane = height * width;
  const auto color = [&](const char* ground, int64_t y, int64_t x) {
    std::string code = ground;
    for (int64_t c = 0; c < 3; ++c) code += ";" + std::to_string(p[c * plane + y * width + x]);
    return code;
  };
  std::string text;
  for (int64_t y = 0; y < height; y += 2) {
    std::string last;
    for (int64_t x = 0; x < width; ++x) {
      auto code = color("\033[38;2", y, x);
      // Below the last line of an odd height lies the terminal's own ground.
      code += y + 1 < height ? color(";48;2", y + 1, x) + "m" : "m";
      if (code != last) text += code;
      last = code;
      text += "▀";
    }
    text += "\033[0m\n";
  }
  return text;
}

int64_t terminal_columns() {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 100;
}

}  // namespace elbo
