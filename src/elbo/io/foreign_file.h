#pragma once

#include <string>
#include <string_view>

namespace elbo {

/// What a file of another program's format is, and the one line that turns it into CSV; "" where
/// its first bytes are none of a format known here (Parquet, Arrow and Feather, Excel,
/// OpenDocument, HDF5, Stata, SPSS).
std::string conversion_hint(const std::string& path, std::string_view first_bytes);
/// The same; reads the first bytes by itself.
std::string conversion_hint(const std::string& path);

}  // namespace elbo
