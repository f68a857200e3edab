#pragma once

#include <string>
#include <vector>

namespace elbo {

/// An optional library that this program was built with, or without. cmake/parts.cmake writes the
/// list.
struct BuildPart {
  std::string name;
  bool in_use;
  std::string missing;   // what was not found when it was built
  std::string lost;      // what the program cannot do without it
  std::string packages;  // Debian packages that bring it
};
const std::vector<BuildPart>& build_parts();

/// The version of the library, e.g. "1.2.0".
const char* build_version();

}  // namespace elbo
