#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace elbo {

/// How the numbers of a column are spelled.
struct Spelling {
  bool comma = false;          // a decimal comma
  std::string group;           // what separates thousands; empty = nothing
  std::string prefix, suffix;  // of all cells: "$", "%", " €"
  bool parentheses = false;    // (12.50) is -12.50
  bool fixed = false;          // zeros fill up the decimals: 12.50

  /// Digits with a decimal point or comma alone.
  bool plain() const { return group.empty() && prefix.empty() && suffix.empty() && !parentheses; }
};

/// A number of at most 15 digits with a point or none, as most cells are.
struct PlainNumber {
  double value;
  size_t before, after;  // digits on both sides of the point
  bool sign, zero;       // begins with "-"; its first digit is 0
};
/// Nothing where the text is another one, which parse_number() may still read.
std::optional<PlainNumber> plain_number(std::string_view text);
/// A number with a decimal point or (where allowed) a decimal comma; nothing where it is no number.
/// Infinite or beyond float32: raises an Error of what it is.
std::optional<double> parse_number(std::string_view text, bool comma);
/// The same in this spelling alone.
std::optional<double> parse_number(std::string_view text, const Spelling& spelling);
/// A number in this spelling, of at most so many decimals.
std::string spelled(double value, int64_t decimals, const Spelling& spelling);

/// What the cells of a column say about the spelling of its numbers, gathered cell by cell.
class SpellingEvidence {
 public:
  /// A cell of any text; false where it is no number in any spelling.
  bool add(std::string_view text);
  /// A plain number with a point or none: digits before and after it, and whether it begins with 0.
  void add_plain(size_t before, size_t after, bool zero);

  /// Signs that can only be of decimals.
  bool decimal_comma() const { return decimals_[kComma] > 0 || groups_.count(".") > 0; }
  bool decimal_point() const { return decimals_[kPoint] > 0 || groups_.count(",") > 0; }
  /// Whether anything beside plain numbers with a point has been seen, or (`points`) numbers whose
  /// point may separate thousands.
  bool needs_decision(bool points) const;

  /// What the rest of the file and the user say about the decimal sign.
  struct Hint {
    char given = 0;                     // '.' or ',' where the user named it
    bool comma = false, point = false;  // seen elsewhere in the file
    char delimiter = ',';
  };
  /// The spelling of all cells. Raises an Error where several are possible; nothing where no single
  /// spelling fits. `example` becomes a cell that another spelling would read differently, if any.
  std::optional<Spelling> decide(const Hint& hint, std::string* example) const;

 private:
  bool affixes_agree() const;
  bool is_money() const;
  bool comma_is_decimal(const Hint& hint, std::string* example) const;

  int64_t cells_ = 0, parentheses_ = 0, small_ = 0, thousands_ = 0;
  enum Sign { kPoint, kComma };
  static Sign sign(char c) { return c == ',' ? kComma : kPoint; }

  int64_t decimals_[2] = {0, 0}, unclear_[2] = {0, 0};  // of each sign
  std::map<std::string, int64_t> groups_, prefixes_, suffixes_;
  std::string unclear_text_, comma_text_, point_text_;
};

}  // namespace elbo
