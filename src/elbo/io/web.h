#pragma once

#include <string>

namespace elbo {

/// The text of web/NAME, which the program carries.
const std::string& web_file(const std::string& name);

}  // namespace elbo
