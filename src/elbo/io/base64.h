#pragma once

#include <string>
#include <string_view>

namespace elbo {

/// Bytes as RFC 4648 text, padded.
std::string base64(std::string_view bytes);

}  // namespace elbo
