#pragma once

#include <string>

namespace elbo {

/// What tells data apart without showing them: "3 files, 12,345 bytes, hash 0f…" of a file or a
/// folder; the hash is FNV-1a of names, sizes and the first and last MiB of each of the first
/// hundred files. "" where nothing of that name is here.
std::string fingerprint(const std::string& path);

}  // namespace elbo
