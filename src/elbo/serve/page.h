#pragma once

#include <string>

namespace elbo {

/// The explorer as one HTML text: web/explorer.html with palette, style and script in it. `policy`
/// goes into its head, `before_script` ahead of its script; both are HTML.
std::string explorer_page(const std::string& policy = "", const std::string& before_script = "");

}  // namespace elbo
