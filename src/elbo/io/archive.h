#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "elbo/io/file.h"

struct archive;  // of libarchive

namespace elbo {

/// What libarchive found wrong, on one line; it does not always say.
std::string archive_complaint(archive* a, const char* otherwise = "damaged");

/// Whether the name ends in .tar, .tar.*, .tgz or .zip.
bool is_archive_name(const std::string& path);
/// Goes through the files of a tar (packed or not) or zip archive in their order:
/// take(name, bytes) for those that wanted(name) picks.
void read_archive(const std::string& path, const std::function<bool(const std::string&)>& wanted,
                  const std::function<void(const std::string&, std::string)>& take,
                  int64_t most = most_unpacked());

/// Writes files of the given names and bytes as one zip archive, not packed.
void write_zip(const std::string& path,
               const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace elbo
