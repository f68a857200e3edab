#include "elbo/data/spelling.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "elbo/core/error.h"
#include "elbo/core/text.h"

namespace elbo {
namespace {

constexpr int64_t kSureGroups = 50;   // of which a tenth would have lost a zero at the end
constexpr int64_t kEnoughGroups = 3;  // cells of three digits behind a sign that are no chance

/// Longest first: "US$" before "$".
const std::vector<std::string>& currencies() {
  static const std::vector<std::string> signs = {
      "US$", "USD", "EUR", "GBP", "CHF", "JPY", "CNY", "INR", "CAD", "AUD", "SEK", "NOK", "DKK",
      "PLN", "CZK", "BRL", "R$",  "Rs.", "kr",  "zł",  "$",   "€",   "£",   "¥",   "₹",   "₽"};
  return signs;
}

/// Spaces of one or several bytes, and the apostrophes that separate thousands.
const std::vector<std::string>& group_signs() {
  static const std::vector<std::string> signs = {" ", "\u00a0", "\u202f", "\u2009", "'", "\u2019"};
  return signs;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The first of the texts that stands at the front of, or behind, the other; "" where none does.
std::string sign_at(std::string_view text, const std::vector<std::string>& signs, bool front) {
  for (const auto& sign : signs) {
    if (front ? text.starts_with(sign) : text.ends_with(sign)) return sign;
  }
  return "";
}

void drop(std::string_view& text, size_t count, bool front) {
  front ? text.remove_prefix(count) : text.remove_suffix(count);
}

/// Takes the sign and the spaces beside it; the bytes as they stand.
std::string take_affix(std::string_view& text, const std::vector<std::string>& signs, bool front) {
  const auto sign = sign_at(text, signs, front);
  if (sign.empty()) return "";
  drop(text, sign.size(), front);
  std::string spaces;
  for (auto space = sign_at(text, group_signs(), front); !space.empty() && space != "'";
       space = sign_at(text, group_signs(), front)) {
    drop(text, space.size(), front);
    spaces += space;
  }
  return front ? sign + spaces : spaces + sign;
}

bool take_minus(std::string_view& text) {
  for (const std::string_view minus : {"-", "\u2212"}) {
    if (!text.starts_with(minus)) continue;
    text.remove_prefix(minus.size());
    return true;
  }
  if (text.starts_with('+')) text.remove_prefix(1);
  return false;
}

/// A cell without what stands around its digits.
struct Bare {
  std::string_view digits;
  std::string prefix, suffix;
  bool negative = false, parentheses = false;
};

Bare bare_number(std::string_view text) {
  static const auto behind = [] {
    auto signs = currencies();
    signs.emplace_back("%");
    signs.emplace_back("‰");
    return signs;
  }();
  Bare b;
  if (text.size() > 2 && text.front() == '(' && text.back() == ')') {
    b.parentheses = b.negative = true;
    text = text.substr(1, text.size() - 2);
  }
  b.negative = take_minus(text) || b.negative;
  b.prefix = take_affix(text, currencies(), true);
  if (!b.prefix.empty()) b.negative = take_minus(text) || b.negative;
  b.suffix = take_affix(text, behind, false);
  b.digits = text;
  return b;
}

/// "1.234,5" as the lengths of its runs of digits and the signs between them.
struct Runs {
  std::vector<size_t> lengths;
  std::vector<std::string> signs;
};

std::optional<Runs> runs_of(std::string_view text) {
  static const auto known = [] {
    auto signs = group_signs();
    signs.emplace_back(",");
    signs.emplace_back(".");
    return signs;
  }();
  Runs runs;
  size_t length = 0;
  bool any = false;
  while (!text.empty()) {
    if (is_digit(text.front())) {
      ++length;
      any = true;
      text.remove_prefix(1);
      continue;
    }
    const auto sign = sign_at(text, known, true);
    if (sign.empty()) return {};
    runs.lengths.push_back(length);
    runs.signs.push_back(sign);
    length = 0;
    text.remove_prefix(sign.size());
  }
  runs.lengths.push_back(length);
  return any ? std::optional(runs) : std::nullopt;
}

/// Whether runs [0, last] can be one number whose thousands are separated: 1 234 567; also
/// 12,34,567.
bool grouped(const Runs& runs, size_t last) {
  if (runs.lengths[0] < 1 || runs.lengths[0] > 3 || runs.lengths[last] != 3) return false;
  for (size_t i = 1; i < last; ++i) {
    if (runs.lengths[i] != 3 && runs.lengths[i] != 2) return false;
  }
  return std::all_of(runs.signs.begin(), runs.signs.begin() + static_cast<int64_t>(last),
                     [&](const auto& sign) { return sign == runs.signs[0]; });
}

bool is_decimal_sign(const std::string& sign) { return sign == "," || sign == "."; }

/// "$1,234.50" as "1234.50", in this spelling alone.
std::optional<std::string> plain_digits(std::string_view text, const Spelling& s) {
  const auto b = bare_number(text);
  const auto runs = runs_of(b.digits);
  if (!runs || (b.parentheses && !s.parentheses)) return {};
  const bool percent = s.suffix.ends_with('%') != b.suffix.ends_with('%');
  const bool other =
      (!b.prefix.empty() && s.prefix.empty()) || (!b.suffix.empty() && s.suffix.empty());
  if (percent || other) return {};
  const std::string point = s.comma ? "," : ".";
  const bool decimals = !runs->signs.empty() && runs->signs.back() == point;
  const size_t last = runs->lengths.size() - 1 - (decimals ? 1 : 0);
  if (last > 0 && (!grouped(*runs, last) || runs->signs[0] != s.group)) return {};
  std::string out = b.negative ? "-" : "";
  auto left = b.digits;
  for (size_t i = 0; i < runs->lengths.size(); ++i) {
    out += left.substr(0, runs->lengths[i]);
    left.remove_prefix(runs->lengths[i]);
    if (i == runs->signs.size()) break;
    left.remove_prefix(runs->signs[i].size());
    if (i == last) out += '.';
  }
  return out;
}

std::string most_frequent(const std::map<std::string, int64_t>& counts) {
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? "" : most->first;
}

}  // namespace

std::optional<PlainNumber> plain_number(std::string_view text) {
  // Whole numbers and powers of ten below 2^53: their quotient is rounded once, as it should be.
  constexpr size_t kMost = 15;
  static constexpr double kTens[kMost + 1] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                              1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  PlainNumber n{0, 0, 0, !text.empty() && text[0] == '-', false};
  size_t at = n.sign ? 1 : 0, point = text.size();
  const size_t first = at;
  int64_t digits = 0;
  if (text.size() > first + kMost + 1) return {};
  for (; at < text.size(); ++at) {
    if (is_digit(text[at])) {
      digits = 10 * digits + (text[at] - '0');
    } else if (text[at] == '.' && point == text.size()) {
      point = at;
    } else {
      return {};
    }
  }
  n.before = point - first;
  n.after = point < text.size() ? text.size() - point - 1 : 0;
  if (n.before + n.after == 0 || n.before + n.after > kMost) return {};
  n.zero = text[first] == '0';
  n.value = static_cast<double>(digits) / kTens[n.after];
  if (n.sign) n.value = -n.value;
  return n;
}

std::optional<double> parse_number(std::string_view text, bool comma) {
  if (const auto plain = plain_number(text)) return plain->value;
  if (text.empty()) return {};
  if (text.front() == '+') text.remove_prefix(1);
  const auto first = text.find_first_not_of('-');
  const bool digits = first <= 1 && first != std::string_view::npos &&
                      (text[first] == '.' || text[first] == ',' || is_digit(text[first]));
  if (!digits) return {};  // "inf" and "nan" are numbers to from_chars only
  std::string with_point;
  const auto at = text.find(',');
  if (at != std::string_view::npos) {
    if (!comma || text.find(',', at + 1) != std::string_view::npos) return {};
    with_point = text;
    with_point[at] = '.';
    text = with_point;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return {};
  const bool tiny = error == std::errc::result_out_of_range && text.find('-', 1) != text.npos;
  if (tiny) return 0.0;
  const bool fits = error == std::errc() && std::abs(value) <= std::numeric_limits<float>::max();
  check(fits, "\"", text, "\" is beyond the range of numbers (3.4e38)");
  return value;
}

std::optional<double> parse_number(std::string_view text, const Spelling& spelling) {
  if (spelling.plain()) return parse_number(text, spelling.comma);
  const auto digits = plain_digits(text, spelling);
  return digits ? parse_number(*digits, false) : std::nullopt;
}

std::string spelled(double value, int64_t decimals, const Spelling& s) {
  auto digits = number_text(value, decimals, false);
  const bool negative = digits.starts_with('-');
  if (negative) digits.erase(0, 1);
  auto point = std::min(digits.find('.'), digits.size());
  if (s.fixed && decimals > 0) {
    if (point == digits.size()) digits += '.';
    digits.append(static_cast<size_t>(decimals) - (digits.size() - point - 1), '0');
  }
  if (s.comma && point < digits.size()) digits[point] = ',';
  for (auto at = static_cast<int64_t>(point) - 3; at > 0 && !s.group.empty(); at -= 3) {
    digits.insert(static_cast<size_t>(at), s.group);
  }
  digits = s.prefix + digits + s.suffix;
  if (!negative) return digits;
  return s.parentheses ? "(" + digits + ")" : "-" + digits;
}

void SpellingEvidence::add_plain(size_t before, size_t after, bool zero) {
  ++cells_;
  if (after == 0) {
    before <= 3 ? ++small_ : ++thousands_;
  } else if (after == 3 && before >= 1 && before <= 3 && !zero) {
    ++unclear_[kPoint];
  } else {
    ++decimals_[kPoint];
  }
}

bool SpellingEvidence::add(std::string_view text) {
  const auto b = bare_number(text);
  const auto runs = runs_of(b.digits);
  if (!runs || b.digits.empty() || !is_digit(b.digits.back())) return false;
  const auto& signs = runs->signs;
  const bool zero = b.digits.front() == '0';
  const size_t last = signs.size();
  const bool mixed = last > 0 && is_decimal_sign(signs.back()) && signs.back() != signs[0];
  if (last == 0) {
    add_plain(runs->lengths[0], 0, zero);
    --cells_;
  } else if (mixed) {
    if (!grouped(*runs, last - 1)) return false;
    ++groups_[signs[0]];
    ++decimals_[sign(signs.back()[0])];
  } else if (last == 1 && is_decimal_sign(signs[0])) {
    const bool unclear = grouped(*runs, 1) && !zero;
    if (unclear && unclear_text_.empty()) unclear_text_ = text;
    ++(unclear ? unclear_ : decimals_)[sign(signs[0][0])];
  } else {
    if (!grouped(*runs, last)) return false;
    ++groups_[signs[0]];
  }
  if (last > 0 && signs.back() == "," && comma_text_.empty()) comma_text_ = text;
  if (last > 0 && signs.back() == "." && point_text_.empty()) point_text_ = text;
  ++cells_;
  parentheses_ += b.parentheses;
  ++prefixes_[b.prefix];
  ++suffixes_[b.suffix];
  return true;
}

bool SpellingEvidence::needs_decision(bool points) const {
  return !prefixes_.empty() || (points && unclear_[kPoint] > 0 && decimals_[kPoint] == 0);
}

/// All cells carry the same signs of currency, or percent.
bool SpellingEvidence::affixes_agree() const {
  const auto agree = [&](const std::map<std::string, int64_t>& counts) {
    if (counts.empty() || (counts.size() == 1 && counts.begin()->first.empty())) return true;
    return counts.size() == 1 && counts.begin()->second == cells_;
  };
  return agree(prefixes_) && agree(suffixes_);
}

bool SpellingEvidence::is_money() const {
  const auto all_have = [&](const std::map<std::string, int64_t>& signs) {
    return signs.size() == 1 && !signs.begin()->first.empty() &&
           signs.begin()->first.find('%') == std::string::npos;
  };
  return all_have(prefixes_) || all_have(suffixes_);
}

bool SpellingEvidence::comma_is_decimal(const Hint& hint, std::string* example) const {
  if (hint.given != 0) return hint.given == ',';
  if (decimal_comma() || decimal_point()) return decimal_comma();
  const int64_t commas = unclear_[kComma], points = unclear_[kPoint];
  if (commas + points == 0) return hint.comma && !hint.point;
  *example = unclear_text_;
  if (commas > 0 && points > 0) return true;  // both cannot be read; decide() finds out
  // So many numbers would not all have three decimals beside some that have none.
  if (thousands_ == 0 && small_ > 0 && commas + points >= kSureGroups) return points > 0;
  const bool elsewhere = hint.comma != hint.point;
  if (elsewhere) return hint.comma;
  // Thousands without a separator beside it: the sign is of decimals.
  if (thousands_ > 0) return commas > 0;
  // Money has two decimals: three digits behind the sign are thousands.
  if (is_money()) return points > 0;
  // Small numbers never have one and all others exactly three digits behind it.
  if (small_ > 0 && commas + points >= kEnoughGroups && hint.delimiter != ',') return points > 0;
  if (small_ > 0 && commas >= kEnoughGroups) return false;
  if (points > 0 && hint.delimiter != ';') return false;
  fail("\"", unclear_text_.empty() ? "1.234" : unclear_text_,
       "\" can be thousands or decimals, as all its cells with such a sign; say which by --decimal "
       "point or --decimal comma");
}

std::optional<Spelling> SpellingEvidence::decide(const Hint& hint, std::string* example) const {
  if (!affixes_agree()) return {};
  const bool both = decimal_comma() && decimal_point();
  check(!both, "holds decimal commas and decimal points (\"", comma_text_, "\", \"", point_text_,
        "\"); --types NAME=category takes the cells as words");
  Spelling s;
  s.comma = comma_is_decimal(hint, example);
  const char other = s.comma ? '.' : ',';
  auto groups = groups_;
  if (unclear_[sign(other)] > 0) groups[std::string(1, other)] += unclear_[sign(other)];
  if (decimals_[sign(other)] > 0 || groups.size() > 1) return {};
  if (!groups.empty()) s.group = groups.begin()->first;
  if (s.group == (s.comma ? "," : ".")) return {};
  s.prefix = most_frequent(prefixes_);
  s.suffix = most_frequent(suffixes_);
  s.parentheses = parentheses_ > 0;
  return s;
}

}  // namespace elbo
