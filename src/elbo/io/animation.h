#pragma once

#include <string>
#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

/// Whether the name ends in .apng or .gif.
bool is_animation_name(const std::string& path);

/// Frames uint8 [1 or 3, H, W], all of one shape, shown in turn for ever, `milliseconds` each.
/// APNG keeps every colour; GIF all greys, and colours on a cube of 6 x 7 x 6.
std::string encode_apng(const std::vector<Tensor>& frames, int64_t milliseconds);
std::string encode_gif(const std::vector<Tensor>& frames, int64_t milliseconds);
/// By the ending of the path.
void write_animation(const std::string& path, const std::vector<Tensor>& frames,
                     int64_t milliseconds);

}  // namespace elbo
