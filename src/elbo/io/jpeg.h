#pragma once

#include <string>
#include <string_view>

#include "elbo/core/tensor.h"

namespace elbo {

/// A JPEG file as uint8 [1 or 3, H, W]; a truncated or damaged one and one of more than `most`
/// pixels are Errors. Printing colours (CMYK) become RGB, which `cmyk` then says.
Tensor decode_jpeg(std::string_view bytes, const std::string& where, int64_t most,
                   bool* cmyk = nullptr);
/// Raises an Error where an image header announces more than memory should hold.
void check_image_size(int64_t width, int64_t height, const char* format, const std::string& where,
                      int64_t most);

}  // namespace elbo
