#pragma once

#include <torch/types.h>

#include <string>
#include <utility>
#include <vector>

namespace elbo {

/// uint8 [1 or 3, H, W] as a JPEG of quality 95.
std::string encode_jpeg(const torch::Tensor& image);
/// int32 [1 or 3, H, W] of 0 to 65535 as a PNG of 16 bits a channel.
std::string encode_deep_png(const torch::Tensor& image);
/// An archive of these files; `format` is "tar", "tar.gz" or "zip".
std::string make_archive(const std::string& format,
                         const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace elbo
