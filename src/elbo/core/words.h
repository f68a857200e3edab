#pragma once

#include <string>
#include <vector>

#include "elbo/core/api.h"

namespace ELBO_API elbo {

/// The known word that a mistyped one most likely means, or "".
std::string nearest(const std::string& word, const std::vector<std::string>& known);
/// What follows `unknown "word"` in a message: "; known: …", of a long list the nearest ones, and
/// what may have been meant.
std::string known_words(const std::string& word, const std::vector<std::string>& known);
/// `; did you mean "…"?`, or "".
std::string did_you_mean(const std::string& word, const std::vector<std::string>& known);

}  // namespace elbo
