#include <algorithm>

#include "elbo/chem/elements.h"
#include "elbo/chem/selfies.h"
#include "elbo/core/error.h"

namespace elbo {
namespace {

using Symbols = std::vector<std::string>;

/// A number in base 16.
Symbols digits_of(int number) {
  const auto& digits = selfies_digits();
  const int base = static_cast<int>(digits.size());
  Symbols out;
  do {
    out.insert(out.begin(), digits[number % base]);
    number /= base;
  } while (number > 0);
  return out;
}

std::string order_sign(const Bond& bond) {
  return bond.order == 2 ? "=" : bond.order == 3 ? "#" : "";
}

std::string sign_towards(const Bond& bond, int to) {
  if (bond.direction == 0) return order_sign(bond);
  return std::string(1, to == bond.b ? bond.direction : reversed(bond.direction));
}

void append(Symbols& to, const Symbols& more) { to.insert(to.end(), more.begin(), more.end()); }

void check_capacity(const MoleculeGraph& molecule, const Atom& atom) {
  int used = std::max(atom.hydrogens, 0);
  for (const int id : atom.neighbours) {
    if (id != Atom::kHydrogen) used += molecule.bonds[id].order;
  }
  const int most = bonding_capacity(atom.element, atom.charge);
  check(used <= most, "[selfies] atom ", atom.element, " of charge ", atom.charge, ": ", used,
        " bonds, at most ", most);
}

class SelfiesWriter {
 public:
  explicit SelfiesWriter(const MoleculeGraph& molecule) : in_(molecule) {}

  Symbols write() {
    Symbols out;
    std::vector<bool> reached(in_.atoms.size());
    for (const auto& bond : in_.bonds) {
      check(bond.order <= 3 && !bond.aromatic, "[selfies] a bond of order ", bond.order,
            " or an aromatic one; allowed: 1, 2, 3");
      if (!bond.closes_ring) reached[bond.b] = true;
    }
    for (int root = 0; root < static_cast<int>(in_.atoms.size()); ++root) {
      check_capacity(in_, in_.atoms[root]);
      if (reached[root]) continue;
      if (!out.empty()) out.emplace_back(".");
      append(out, chain(root, -1));
    }
    return out;
  }

 private:
  Symbols chain(int atom, int from) const {
    Symbols out;
    for (;;) {
      // Order in which the symbols give the atom its bonds: rings that end here, rings that begin
      // here by their other end, branches.
      std::vector<int> ends, begins, branches, order;
      for (const int id : in_.atoms[atom].neighbours) {
        if (id == Atom::kHydrogen || id == from) continue;
        const auto& bond = in_.bonds[id];
        (!bond.closes_ring ? branches : bond.b == atom ? ends : begins).push_back(id);
      }
      std::sort(begins.begin(), begins.end(),
                [&](int x, int y) { return in_.bonds[x].b < in_.bonds[y].b; });
      if (from >= 0) order.push_back(from);
      const auto& stored = in_.atoms[atom].neighbours;
      if (std::count(stored.begin(), stored.end(), Atom::kHydrogen)) order.push_back(-1);
      for (const auto& part : {ends, begins, branches}) {
        order.insert(order.end(), part.begin(), part.end());
      }
      out.push_back(atom_symbol(atom, from, order));
      for (const int id : ends) append(out, ring(in_.bonds[id]));
      if (branches.empty()) return out;
      for (size_t i = 0; i + 1 < branches.size(); ++i) append(out, branch(atom, branches[i]));
      from = branches.back();
      atom = in_.bonds[from].other(atom);
    }
  }

  Symbols branch(int atom, int id) const {
    const auto inside = chain(in_.bonds[id].other(atom), id);
    return with_length(order_sign(in_.bonds[id]) + "Branch", static_cast<int>(inside.size()) - 1,
                       inside);
  }

  Symbols ring(const Bond& bond) const {
    const auto sign = bond.direction ? std::string(1, bond.direction) + "-" : order_sign(bond);
    return with_length(sign + "Ring", bond.b - bond.a - 1, {});
  }

  static Symbols with_length(const std::string& name, int length, const Symbols& rest) {
    const auto digits = digits_of(length);
    check(digits.size() <= 3, "[selfies] a branch or ring of length ", length, ", at most 4095");
    Symbols out{"[" + name + std::to_string(digits.size()) + "]"};
    append(out, digits);
    append(out, rest);
    return out;
  }

  std::string atom_symbol(int index, int from, const std::vector<int>& order) const {
    const auto& atom = in_.atoms[index];
    std::string text = "[" + (from < 0 ? "" : sign_towards(in_.bonds[from], index));
    if (atom.isotope > 0) text += std::to_string(atom.isotope);
    text += atom.element;
    if (atom.chirality != 0) {
      text += (atom.chirality > 0) != odd_permutation(atom.neighbours, order) ? "@" : "@@";
    }
    const bool bare = atom.isotope == 0 && atom.chirality == 0 && atom.charge == 0;
    // Of the elements that need no brackets in SMILES, one without hydrogens says so.
    if (atom.hydrogens > 0 || (atom.hydrogens == 0 && bare && is_organic(atom.element))) {
      text += "H" + std::to_string(atom.hydrogens);
    }
    if (atom.charge != 0) text += (atom.charge > 0 ? "+" : "") + std::to_string(atom.charge);
    return text + "]";
  }

  const MoleculeGraph& in_;
};

}  // namespace

std::vector<std::string> encode_selfies(const MoleculeGraph& molecule) {
  return SelfiesWriter(molecule).write();
}

std::string smiles_to_selfies(std::string_view smiles) {
  auto molecule = parse_smiles(smiles);
  kekulize(molecule);
  std::string text;
  for (const auto& symbol : encode_selfies(molecule)) text += symbol;
  return text;
}

}  // namespace elbo
