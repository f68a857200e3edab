#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace elbo {

/// The characters (code points) of valid UTF-8.
std::vector<std::string> characters_of(std::string_view text);
/// Words with the space before them, punctuation marks and further spaces, each a piece; the text
/// is read as if a space stood before it. Joined they give that text.
std::vector<std::string> words_of(std::string_view text);

}  // namespace elbo
