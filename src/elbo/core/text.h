#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace elbo {

/// The parts between separators, an empty one at the end included.
std::vector<std::string> split_text(const std::string& text, char separator);
/// "NAME=VALUE;NAME=VALUE" as pairs, in order; raises an Error that names `expected` where a part
/// has no "=".
std::vector<std::pair<std::string, std::string>> split_pairs(const std::string& text,
                                                             char separator,
                                                             const std::string& where,
                                                             const std::string& expected);
/// "64x64" or "3/8": two whole numbers and the sign between them; nothing where it is otherwise.
std::optional<std::pair<int64_t, int64_t>> two_whole_numbers(std::string_view text, char between);

/// Lets a map of texts be asked for one that is no std::string.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

/// ASCII letters as small ones.
std::string lower_case(std::string text);
/// A name as it is spoken: spaces for underscores.
std::string spoken(std::string name);
/// The shortest text of at most six significant digits.
std::string number_text(double value);
/// As many decimals at most, without trailing zeros; a comma in place of the point where asked.
std::string number_text(double value, int64_t decimals, bool comma);

/// Text for a terminal: control characters, which could command it, are written out as \x1b; line
/// breaks and tabs stay.
std::string printable(std::string_view text);
/// Text as it stands between the tags of HTML, SVG or XML, and in attributes.
std::string html_escape(std::string_view text);

}  // namespace elbo
