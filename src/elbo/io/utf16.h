#pragma once

#include <string>

namespace elbo {

/// Text in UTF-16 that begins with a byte-order mark, as UTF-8; any other text as it is. Raises an
/// Error where a surrogate stands alone or half a character is left.
std::string from_utf16(std::string text, const std::string& where);

}  // namespace elbo
