#include "elbo/chem/smiles.h"

#include <cctype>
#include <map>

#include "elbo/chem/elements.h"
#include "elbo/core/error.h"

namespace elbo {
namespace {

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

/// Length of the token that begins at `at`.
size_t token_length(std::string_view text, size_t at) {
  const char c = text[at];
  const auto rest = text.substr(at);
  if (c == '[') {
    const auto end = rest.find(']');
    check(end != std::string_view::npos, "[smiles] ", text, ": the bracket at ", at + 1,
          " is not closed");
    return end + 1;
  }
  if (rest.starts_with("Cl") || rest.starts_with("Br")) return 2;
  if (c != '%') return 1;
  if (rest.size() > 1 && rest[1] == '(') {
    const auto end = rest.find(')');
    if (end != std::string_view::npos) return end + 1;
  }
  return rest.size() > 2 && is_digit(rest[1]) && is_digit(rest[2]) ? 3 : 1;
}

/// Reads what stands between brackets: isotope, element, chirality, hydrogens, charge.
class BracketReader {
 public:
  BracketReader(std::string_view token, std::string_view text)
      : in_(token.substr(1, token.size() - 2)), token_(token), text_(text) {}

  Atom read() {
    Atom atom;
    atom.isotope = number(0);
    read_element(atom);
    if (take('@')) atom.chirality = take('@') ? -1 : 1;
    atom.hydrogens = take('H') ? number(1) : 0;
    while (at_ < in_.size() && (in_[at_] == '+' || in_[at_] == '-')) {
      const int sign = in_[at_++] == '+' ? 1 : -1;
      atom.charge += sign * number(1);
    }
    if (take(':')) number(0);  // the atom's class: a label for reactions
    check(at_ == in_.size() && std::abs(atom.charge) < 16, "[smiles] ", text_, ": ", token_,
          " is not an atom");
    return atom;
  }

 private:
  bool take(char c) {
    const bool there = at_ < in_.size() && in_[at_] == c;
    at_ += there;
    return there;
  }
  int number(int otherwise) {
    const size_t begin = at_;
    int value = 0;
    while (at_ < in_.size() && is_digit(in_[at_]) && at_ - begin < 4) {
      value = 10 * value + (in_[at_++] - '0');
    }
    return at_ == begin ? otherwise : value;
  }
  void read_element(Atom& atom) {
    for (const size_t length : {2, 1}) {
      const std::string name(in_.substr(at_, length));
      if (name.size() != length) continue;
      if (!is_element(name) && !is_aromatic_element(name)) continue;
      atom.aromatic = !is_element(name);
      atom.element = as_element(name);
      at_ += length;
      return;
    }
    fail("[smiles] ", text_, ": ", token_, " is not an element");
  }

  std::string_view in_, token_, text_;
  size_t at_ = 0;
};

class SmilesParser {
 public:
  explicit SmilesParser(std::string_view text) : text_(text) {}

  MoleculeGraph parse() {
    check(text_.size() <= kMostSmiles, "[smiles] ", text_.size(), " characters, at most ",
          kMostSmiles);
    for (const auto& token : smiles_tokens(text_)) {
      read(token);
      place_ += token.size();
    }
    check(open_rings_.empty(), "[smiles] ", text_, ": ring ",
          open_rings_.empty() ? 0 : open_rings_.begin()->first, " is not closed");
    check(branches_.empty(), "[smiles] ", text_, ": a branch is not closed");
    check(pending_ == 0, "[smiles] ", text_, ": ends with a bond");
    check(!out_.atoms.empty(), "[smiles] no atoms");
    settle_aromatic();
    return std::move(out_);
  }

 private:
  struct OpenRing {
    int bond;
    char symbol;
  };

  void read(const std::string& token) {
    const char c = token[0];
    if (c == '[') return add_atom(BracketReader(token, text_).read());
    if (is_digit(c) || c == '%') return close_or_open(ring_number(token));
    if (std::string_view("-=#$:/\\").find(c) != std::string_view::npos) {
      require(current_ >= 0 && pending_ == 0, "a bond without an atom before it");
      pending_ = c;
      return;
    }
    if (c == '(') {
      require(current_ >= 0 && pending_ == 0, "a branch without an atom before it");
      return branches_.push_back(current_);
    }
    if (c == ')') {
      require(!branches_.empty() && pending_ == 0, "a branch is closed that was never opened");
      current_ = branches_.back();
      return branches_.pop_back();
    }
    if (c == '.') {
      require(pending_ == 0 && branches_.empty(), "a dot within a branch or after a bond");
      current_ = -1;
      return;
    }
    require(is_organic(token) || is_organic_aromatic(token), "not an atom, bond or ring");
    Atom atom;
    atom.element = as_element(token);
    atom.aromatic = !is_organic(token);
    add_atom(std::move(atom));
  }

  void require(bool ok, const char* what) const {
    check(ok, "[smiles] ", text_, ": at ", place_ + 1, ": ", what);
  }

  void add_atom(Atom atom) {
    const int index = static_cast<int>(out_.atoms.size());
    const int from = current_;
    const bool hydrogen = atom.hydrogens > 0;
    out_.atoms.push_back(std::move(atom));
    if (from >= 0) {
      Bond bond{from, index};
      set_symbol(bond, pending_);
      const int id = out_.add_bond(bond);
      implicit_.push_back(pending_ == 0);
      out_.atoms[from].neighbours.push_back(id);
      out_.atoms[index].neighbours.push_back(id);
    }
    if (hydrogen) out_.atoms[index].neighbours.push_back(Atom::kHydrogen);
    pending_ = 0;
    current_ = index;
  }

  int ring_number(const std::string& token) const {
    if (token[0] != '%') return token[0] - '0';
    const auto digits = token.find('(') == 1 ? token.substr(2, token.size() - 3) : token.substr(1);
    require(!digits.empty() && digits.size() < 6 &&
                digits.find_first_not_of("0123456789") == std::string::npos,
            "% without the number of a ring");
    return std::stoi(digits);
  }

  void close_or_open(int number) {
    require(current_ >= 0, "a ring number without an atom before it");
    const auto open = open_rings_.find(number);
    if (open == open_rings_.end()) {
      Bond bond{current_, current_};
      bond.closes_ring = true;
      const int id = out_.add_bond(bond);
      implicit_.push_back(true);
      out_.atoms[current_].neighbours.push_back(id);
      open_rings_[number] = {id, pending_};
    } else {
      const auto [id, symbol] = open->second;
      Bond& bond = out_.bonds[id];
      require(bond.a != current_, "a ring of one atom");
      bond.b = current_;
      for (const int known : out_.atoms[current_].neighbours) {
        require(known < 0 || out_.bonds[known].other(current_) != bond.a,
                "two bonds between the same atoms");
      }
      const char seen = pending_ == '/' || pending_ == '\\' ? reversed(pending_) : pending_;
      require(symbol == 0 || seen == 0 || symbol == seen, "the bond of a ring has two orders");
      set_symbol(bond, symbol ? symbol : seen);
      // "C(CC1)1" closes a ring at the earlier of its atoms; readers of bonds want it first.
      if (bond.b < bond.a) {
        std::swap(bond.a, bond.b);
        if (bond.direction != 0) bond.direction = reversed(bond.direction);
      }
      implicit_[id] = symbol == 0 && seen == 0;
      out_.atoms[current_].neighbours.push_back(id);
      open_rings_.erase(open);
    }
    pending_ = 0;
  }

  static void set_symbol(Bond& bond, char symbol) {
    bond.order = symbol == '=' ? 2 : symbol == '#' ? 3 : symbol == '$' ? 4 : 1;
    bond.aromatic = symbol == ':';
    if (symbol == '/' || symbol == '\\') bond.direction = symbol;
  }

  /// A bond without symbol is aromatic between aromatic atoms of a ring.
  void settle_aromatic() {
    const auto in_ring = ring_bonds(out_);
    for (size_t i = 0; i < out_.bonds.size(); ++i) {
      auto& bond = out_.bonds[i];
      const bool both = out_.atoms[bond.a].aromatic && out_.atoms[bond.b].aromatic;
      if (implicit_[i] && both && in_ring[i]) bond.aromatic = true;
    }
  }

  std::string_view text_;
  MoleculeGraph out_;
  std::vector<bool> implicit_;  // by bond: it has no symbol
  std::vector<int> branches_;
  std::map<int, OpenRing> open_rings_;
  int current_ = -1;
  char pending_ = 0;
  size_t place_ = 0;
};

}  // namespace

int MoleculeGraph::add_bond(Bond bond) {
  bonds.push_back(bond);
  return static_cast<int>(bonds.size()) - 1;
}

char reversed(char direction) {
  return direction == '/' ? '\\' : direction == '\\' ? '/' : direction;
}

bool odd_permutation(const std::vector<int>& from, const std::vector<int>& to) {
  bool odd = false;
  std::vector<int> left = from;
  for (size_t i = 0; i < left.size(); ++i) {
    for (size_t j = i + 1; left[i] != to[i] && j < left.size(); ++j) {
      if (left[j] != to[i]) continue;
      std::swap(left[i], left[j]);
      odd = !odd;
    }
  }
  return odd;
}

std::vector<std::string> smiles_tokens(std::string_view text) {
  std::vector<std::string> tokens;
  for (size_t at = 0; at < text.size();) {
    const auto length = token_length(text, at);
    tokens.emplace_back(text.substr(at, length));
    at += length;
  }
  return tokens;
}

MoleculeGraph parse_smiles(std::string_view text) { return SmilesParser(text).parse(); }

}  // namespace elbo
