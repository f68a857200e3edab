#pragma once

#include <string>

#include "elbo/core/tensor.h"

namespace elbo {

/// Height of a line of letters of size 1, and the width of each, in pixels.
inline constexpr int64_t kLetterHeight = 8, kLetterWidth = 6;

/// Text as uint8 [8 * size, 6 * size * letters]: 1 = ink. Letters beyond ASCII are drawn as "?".
Tensor drawn_text(const std::string& text, int64_t size = 1);
/// Writes text into a picture [1 or 3, H, W] of bytes, its top left at (top, left); what lies
/// outside of it is cut.
void write_text(Tensor& picture, const std::string& text, int64_t top, int64_t left,
                int64_t size = 1, double shade = 0);

}  // namespace elbo
