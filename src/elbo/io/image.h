#pragma once

#include <string>
#include <string_view>

#include "elbo/core/tensor.h"
#include "elbo/io/picture.h"

namespace elbo {

/// A picture file as decode_picture() reads it (io/picture.h), upright, as uint8 [1 or 3, H, W]; 16
/// bits become 8. `where` names the source in an Error; so does a picture of more than `most`
/// pixels, before it is unpacked.
Tensor decode_image(std::string_view bytes, const std::string& where, int64_t most = kMostPixels);
/// A PNG file as uint8 [1 or 3, H, W].
Tensor decode_png(std::string_view bytes, const std::string& where, int64_t most);
/// Whether the name ends as files do that this build reads: .png, .jpg, .bmp, …, .webp.
bool is_image_name(const std::string& name);

/// uint8 [1 or 3, H, W] as a PNG file.
std::string encode_png(const Tensor& image);
void write_png(const std::string& path, const Tensor& image);

/// [N, C, H, W] in [0, 1] as one uint8 picture with `columns` images a row and gaps between them.
Tensor image_grid(const Tensor& images, int64_t columns, int64_t gap = 2);
/// [C, H, W], bilinear, averaging over the area where it shrinks; uint8 is rounded.
Tensor resize_image(const Tensor& image, int64_t height, int64_t width);

}  // namespace elbo
