#pragma once

#include <string>

#include "elbo/core/options.h"

namespace elbo {

/// What the file behind a DATA argument holds: {"bytes", "crc32"}, of large files the sum over both
/// ends. Null where it is no single file.
Json content_of(const std::string& source);
/// Raises an Error where the file behind a run's data is not the one that it began with.
void check_content(const Json& data_facts);

}  // namespace elbo
