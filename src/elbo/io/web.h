#pragma once

#include <string>

namespace elbo {

/// The text of web/NAME.* that the program carries, by its name without the ending.
const std::string& web_file(const std::string& name);

}  // namespace elbo
