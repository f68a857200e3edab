#pragma once

#include <string>
#include <string_view>

#include "elbo/io/memory_bound.h"

namespace elbo {

/// Bytes in fewer, by LZMA where that helps.
std::string packed(std::string_view bytes);
/// What packed() was given; `where` names the bytes in an Error.
std::string unpacked(std::string_view bytes, const std::string& where,
                     int64_t most = most_unpacked());

}  // namespace elbo
