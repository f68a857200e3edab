#pragma once

#include <string>
#include <string_view>

#include "elbo/core/tensor.h"

namespace elbo {

/// PNG or JPEG (told by the content) as uint8 [1 or 3, H, W]. 16 bits become 8, transparency is
/// laid on white. `where` names the source in an Error; so does a picture of more than `most`
/// pixels, before it is unpacked.
constexpr int64_t kMostPixels = int64_t{1} << 28;
Tensor decode_image(std::string_view bytes, const std::string& where, int64_t most = kMostPixels);
/// Whether the name ends in .png, .jpg or .jpeg.
bool is_image_name(const std::string& name);

/// uint8 [1 or 3, H, W] as a PNG file.
std::string encode_png(const Tensor& image);
void write_png(const std::string& path, const Tensor& image);

/// [N, C, H, W] in [0, 1] as one uint8 picture with `columns` images a row and gaps between them.
Tensor image_grid(const Tensor& images, int64_t columns, int64_t gap = 2);
/// uint8 [C, H, W], bilinear, averaging over the area where it shrinks.
Tensor resize_image(const Tensor& image, int64_t height, int64_t width);

}  // namespace elbo
