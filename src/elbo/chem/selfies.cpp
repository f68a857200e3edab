#include "elbo/chem/selfies.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <optional>

#include "elbo/chem/elements.h"
#include "elbo/core/error.h"

namespace elbo {
namespace {

/// What the symbol of an atom says.
struct AtomSymbol {
  Atom atom;
  int order = 1;
  char direction = 0;
};

/// "[=Branch2]" as a sign, a word and a number; the word is empty for symbols of another kind.
struct LengthSymbol {
  std::string sign, word;
  int digits = 0;
};

bool is_length_sign(const std::string& sign, const std::string& word) {
  if (sign.empty() || sign == "=" || sign == "#") return true;
  const bool marks = sign.size() == 2 && sign.find_first_not_of("-/\\") == std::string::npos;
  return word == "Ring" && marks && sign != "--";
}

LengthSymbol as_length(const std::string& symbol) {
  for (const std::string word : {"Branch", "Ring"}) {
    const auto at = symbol.find(word);
    if (at == std::string::npos || symbol.size() != at + word.size() + 2) continue;
    const int digits = symbol[at + word.size()] - '0';
    const auto sign = symbol.substr(1, at - 1);
    if (digits >= 1 && digits <= 3 && is_length_sign(sign, word)) return {sign, word, digits};
  }
  return {};
}

int order_of(const std::string& sign) { return sign == "=" ? 2 : sign == "#" ? 3 : 1; }

/// [sign][isotope]element[@ or @@][Hn][+n or -n]
std::optional<AtomSymbol> as_atom(const std::string& symbol) {
  std::string in = symbol.substr(1, symbol.size() - 2);
  size_t at = 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < in.size() && at - begin < 4 && std::isdigit(static_cast<unsigned char>(in[at]))) {
      ++at;
    }
    return at == begin ? -1 : std::stoi(in.substr(begin, at - begin));
  };
  const auto take = [&](char c) { return at < in.size() && in[at] == c ? (++at, true) : false; };
  AtomSymbol out;
  if (!in.empty() && std::string_view("=#/\\").find(in[0]) != std::string_view::npos) {
    out.order = order_of(in.substr(0, 1));
    if (in[0] == '/' || in[0] == '\\') out.direction = in[0];
    in = in.substr(1);
  }
  if (is_organic(in)) {
    out.atom.element = in;
    return out;
  }
  out.atom.isotope = std::max(digits(), 0);
  for (const size_t length : {2, 1}) {
    const auto name = in.substr(std::min(at, in.size()), length);
    if (name.size() != length || !is_element(name)) continue;
    out.atom.element = name;
    at += length;
    break;
  }
  if (out.atom.element.empty()) return std::nullopt;
  if (take('@')) out.atom.chirality = take('@') ? -1 : 1;
  out.atom.hydrogens = take('H') ? std::max(digits(), 0) : 0;
  if (at < in.size() && (in[at] == '+' || in[at] == '-')) {
    const int sign = in[at++] == '+' ? 1 : -1;
    out.atom.charge = sign * std::max(digits(), 0);
  }
  if (at != in.size()) return std::nullopt;
  return out;
}

/// Derives a molecule from its symbols, by the states of the published grammar: how many bonds the
/// last atom has left.
class SelfiesReader {
 public:
  explicit SelfiesReader(const std::vector<std::string>& symbols) : in_(symbols) {}

  MoleculeGraph read() {
    while (at_ < in_.size()) {
      derive(std::numeric_limits<int>::max(), 0, -1);
      if (at_ < in_.size() && in_[at_] == ".") ++at_;
    }
    form_rings();
    restore_order();
    return std::move(out_);
  }

 private:
  struct Ring {
    int left, right, order;
    char direction;  // from left to right
  };
  static constexpr int kBegin = 0, kEnd = -1;

  bool more(int derived, int most) const {
    return derived < most && at_ < in_.size() && in_[at_] != ".";
  }

  /// Reads at most `most` symbols; returns how many it took.
  int derive(int most, int state, int last) {
    int derived = 0;
    while (state != kEnd && more(derived, most)) {
      const std::string& symbol = in_[at_++];
      ++derived;
      const auto length = as_length(symbol);
      if (symbol == "[nop]") continue;
      if (length.word == "Branch") {
        if (state <= 1) continue;
        const int inside = std::min(state - 1, order_of(length.sign));
        derived += length.digits;
        state -= inside;
        const int branch = read_number(length.digits) + 1;
        derived += derive(branch, inside, last);
      } else if (length.word == "Ring") {
        if (state == kBegin) continue;
        const int order = std::min(order_of(length.sign), state);
        state = state == order ? kEnd : state - order;
        derived += length.digits;
        const int left = std::max(0, last - (read_number(length.digits) + 1));
        rings_.push_back({left, last, order, ring_direction(length.sign)});
      } else if (symbol == "[epsilon]") {
        if (state != kBegin) state = kEnd;
      } else {
        state = add(symbol, state, last);
        last = static_cast<int>(out_.atoms.size()) - 1;
      }
    }
    while (more(derived, most)) {
      ++at_;
      ++derived;
    }
    return derived;
  }

  int read_number(int digits) {
    int number = 0;
    for (int i = 0; i < digits; ++i) {
      number *= static_cast<int>(selfies_digits().size());
      if (at_ >= in_.size() || in_[at_] == ".") continue;
      const auto& all = selfies_digits();
      const auto digit = std::find(all.begin(), all.end(), in_[at_++]);
      if (digit != all.end()) number += static_cast<int>(digit - all.begin());
    }
    return number;
  }

  /// The two marks of a ring's bond: one read from its left end, one from its right.
  static char ring_direction(const std::string& sign) {
    if (sign.size() != 2) return 0;
    return sign[0] != '-' ? sign[0] : sign[1] != '-' ? reversed(sign[1]) : char(0);
  }

  /// Appends an atom; the bonds that it has left then.
  int add(const std::string& symbol, int state, int last) {
    const auto read = symbol.size() > 2 ? as_atom(symbol) : std::nullopt;
    check(read.has_value(), "[selfies] \"", symbol, "\" is not a symbol");
    const auto& [atom, wanted, direction] = *read;
    const int capacity =
        std::max(0, bonding_capacity(atom.element, atom.charge) - std::max(atom.hydrogens, 0));
    const int order = state == kBegin ? 0 : std::min({wanted, state, capacity});
    if (order > 0 || state == kBegin) {
      const int index = static_cast<int>(out_.atoms.size());
      out_.atoms.push_back(atom);
      free_.push_back(capacity - order);
      if (order > 0) {
        Bond bond{last, index, order};
        if (order == 1) bond.direction = direction;
        out_.add_bond(bond);
        free_[last] -= order;
      }
    }
    return capacity == order ? kEnd : capacity - order;
  }

  void form_rings() {
    for (const auto& ring : rings_) {
      if (ring.left == ring.right) continue;
      const int order = std::min({ring.order, free_[ring.left], free_[ring.right]});
      if (order <= 0) continue;
      const auto same = std::find_if(out_.bonds.begin(), out_.bonds.end(), [&](const Bond& b) {
        return b.a == ring.left && b.b == ring.right;
      });
      int added = order;
      if (same != out_.bonds.end()) {
        added = std::min(same->order + order, 3) - same->order;
        same->order += added;
        if (added > 0) same->direction = 0;
      } else {
        Bond bond{ring.left, ring.right, order};
        bond.closes_ring = true;
        if (order == 1) bond.direction = ring.direction;
        out_.add_bond(bond);
      }
      free_[ring.left] -= added;
      free_[ring.right] -= added;
    }
  }

  /// Neighbours as the grammar orders them: the atom before, the hydrogen, rings, branches.
  void restore_order() {
    for (size_t id = 0; id < out_.bonds.size(); ++id) {
      if (!out_.bonds[id].closes_ring) neighbours(out_.bonds[id].b).push_back(static_cast<int>(id));
    }
    for (auto& atom : out_.atoms) {
      if (atom.hydrogens > 0) atom.neighbours.push_back(Atom::kHydrogen);
    }
    for (const bool rings : {true, false}) {
      for (size_t id = 0; id < out_.bonds.size(); ++id) {
        const auto& bond = out_.bonds[id];
        if (bond.closes_ring != rings) continue;
        neighbours(bond.a).push_back(static_cast<int>(id));
        if (rings) neighbours(bond.b).push_back(static_cast<int>(id));
      }
    }
  }
  std::vector<int>& neighbours(int atom) { return out_.atoms[atom].neighbours; }

  const std::vector<std::string>& in_;
  MoleculeGraph out_;
  std::vector<Ring> rings_;
  std::vector<int> free_;  // by atom: bonds that it may still have
  size_t at_ = 0;
};

}  // namespace

const std::vector<std::string>& selfies_digits() {
  static const std::vector<std::string> digits = {
      "[C]",       "[Ring1]",    "[Ring2]",    "[Branch1]", "[=Branch1]", "[#Branch1]",
      "[Branch2]", "[=Branch2]", "[#Branch2]", "[O]",       "[N]",        "[=N]",
      "[=C]",      "[#C]",       "[S]",        "[P]"};
  return digits;
}

std::vector<std::string> selfies_tokens(std::string_view text) {
  std::vector<std::string> tokens;
  for (size_t at = 0; at < text.size();) {
    const auto end = text[at] == '.' ? at : text.find(']', at);
    check(end != std::string_view::npos && (text[at] == '[' || text[at] == '.'), "[selfies] ", text,
          ": at ", at + 1, ": no symbol in brackets");
    tokens.emplace_back(text.substr(at, end + 1 - at));
    at = end + 1;
  }
  return tokens;
}

MoleculeGraph decode_selfies(const std::vector<std::string>& symbols) {
  check(symbols.size() <= kMostSmiles, "[selfies] ", symbols.size(), " symbols, at most ",
        kMostSmiles);
  return SelfiesReader(symbols).read();
}

std::string selfies_to_smiles(std::string_view selfies) {
  return write_smiles(decode_selfies(selfies_tokens(selfies)));
}

}  // namespace elbo
