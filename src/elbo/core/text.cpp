#include "elbo/core/text.h"

#include <algorithm>
#include <charconv>

#include "elbo/core/error.h"

namespace elbo {

std::vector<std::string> split_text(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t from = 0; from <= text.size();) {
    const auto to = std::min(text.find(separator, from), text.size());
    parts.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

std::vector<std::pair<std::string, std::string>> split_pairs(const std::string& text,
                                                             char separator,
                                                             const std::string& where,
                                                             const std::string& expected) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& item : split_text(text, separator)) {
    const auto equals = item.find('=');
    check(equals != std::string::npos, "[", where, "] \"", item, "\": expected ", expected);
    pairs.emplace_back(item.substr(0, equals), item.substr(equals + 1));
  }
  return pairs;
}

std::optional<std::pair<int64_t, int64_t>> two_whole_numbers(std::string_view text, char between) {
  int64_t a = 0, b = 0;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, a);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != between) return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, b);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  return std::pair(a, b);
}

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string spoken(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string number_text(double value) {
  char digits[32];
  const auto end =
      std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, 6).ptr;
  return {digits, end};
}

std::string number_text(double value, int64_t decimals, bool comma) {
  char digits[400];
  // Trailing zeros go: files rarely pad, and "0.1" reads better than "0.10".
  auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed,
                           static_cast<int>(decimals))
                 .ptr;
  if (decimals > 0) {
    while (end[-1] == '0') --end;
    if (end[-1] == '.') --end;
  }
  std::string text(digits, end);
  if (text == "-0") text = "0";
  if (comma) std::replace(text.begin(), text.end(), '.', ',');
  return text;
}

std::string printable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    const bool second = c == 0xc2 && next >= 0x80 && next < 0xa0;  // U+0080 to U+009F in UTF-8
    const bool first = (c < ' ' && c != '\n' && c != '\t') || c == 127;
    if (!first && !second) {
      out += text[i];
      continue;
    }
    constexpr const char* kDigits = "0123456789abcdef";
    const unsigned code = second ? next : c;
    out += {'\\', 'x', kDigits[code >> 4], kDigits[code & 15]};
    if (second) ++i;
  }
  return out;
}

std::string html_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace elbo
