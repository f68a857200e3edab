#pragma once

#include <torch/types.h>

#include <string>
#include <utility>
#include <vector>

namespace elbo {

/// uint8 [1 or 3, H, W] as a JPEG of quality 95.
std::string encode_jpeg(const torch::Tensor& image);
/// An archive of these files; `format` is "tar", "tar.gz" or "zip".
std::string make_archive(const std::string& format,
                         const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace elbo
