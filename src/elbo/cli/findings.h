#pragma once

#include <string>

#include "elbo/core/options.h"

namespace elbo {

/// What to_json(Finding) holds, for people: a sentence with its figure, and the cure below it; in
/// printable letters, and on a terminal in colour.
std::string finding_text(const Json& finding);

}  // namespace elbo
