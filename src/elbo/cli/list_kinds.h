#pragma once

#include <string>
#include <vector>

namespace elbo {

/// What `elbo list` can list: models, heads, ….
std::vector<std::string> list_kinds();

}  // namespace elbo
