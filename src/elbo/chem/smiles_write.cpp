#include <algorithm>

#include "elbo/chem/elements.h"
#include "elbo/chem/smiles.h"

namespace elbo {
namespace {

std::string charge_text(int charge) {
  if (charge == 0) return "";
  const std::string sign = charge > 0 ? "+" : "-";
  return std::abs(charge) == 1 ? sign : sign + std::to_string(std::abs(charge));
}

/// Walks the tree that the bonds without `closes_ring` make.
class SmilesWriter {
 public:
  explicit SmilesWriter(const MoleculeGraph& molecule)
      : in_(molecule), seen_(molecule.atoms.size()), ring_(molecule.bonds.size(), 0) {}

  std::string write() {
    for (int root = 0; root < static_cast<int>(in_.atoms.size()); ++root) {
      if (seen_[root]) continue;
      if (!out_.empty()) out_ += '.';
      chain(root, -1);
    }
    return std::move(out_);
  }

 private:
  void chain(int atom, int from) {
    for (;;) {
      seen_[atom] = true;
      const auto order = written_order(atom, from);
      atom_text(atom, order);
      std::vector<int> children;
      for (const int id : order) {
        if (id == Atom::kHydrogen || id == from) continue;
        if (in_.bonds[id].closes_ring) {
          ring_text(atom, id);
        } else {
          children.push_back(id);
        }
      }
      if (children.empty()) return;
      for (size_t i = 0; i + 1 < children.size(); ++i) {
        out_ += '(';
        bond_text(children[i], atom);
        chain(in_.bonds[children[i]].other(atom), children[i]);
        out_ += ')';
      }
      from = children.back();
      bond_text(from, atom);
      atom = in_.bonds[from].other(atom);
    }
  }

  /// The bond that leads here, the hydrogen, rings, then branches.
  std::vector<int> written_order(int atom, int from) const {
    auto order = in_.atoms[atom].neighbours;
    const auto rank = [&](int id) {
      if (id == from && id >= 0) return 0;
      if (id == Atom::kHydrogen) return 1;
      return in_.bonds[id].closes_ring ? 2 : 3;
    };
    std::stable_sort(order.begin(), order.end(), [&](int x, int y) { return rank(x) < rank(y); });
    return order;
  }

  void atom_text(int index, const std::vector<int>& order) {
    const auto& atom = in_.atoms[index];
    std::string symbol = atom.element;
    if (atom.aromatic) symbol[0] = static_cast<char>(symbol[0] - 'A' + 'a');
    if (atom.hydrogens == Atom::kImplicit) {
      out_ += symbol;
      return;
    }
    out_ += '[';
    if (atom.isotope > 0) out_ += std::to_string(atom.isotope);
    out_ += symbol;
    if (atom.chirality != 0) {
      const bool flipped = odd_permutation(atom.neighbours, order);
      out_ += (atom.chirality > 0) != flipped ? "@" : "@@";
    }
    if (atom.hydrogens > 0) out_ += 'H';
    if (atom.hydrogens > 1) out_ += std::to_string(atom.hydrogens);
    out_ += charge_text(atom.charge) + ']';
  }

  void bond_text(int id, int from) {
    const auto& bond = in_.bonds[id];
    const bool aromatic = in_.atoms[bond.a].aromatic && in_.atoms[bond.b].aromatic;
    if (bond.direction != 0) {
      out_ += from == bond.a ? bond.direction : reversed(bond.direction);
    } else if (bond.order > 1) {
      out_ += " =#$"[bond.order - 1];
    } else if (aromatic && !bond.aromatic) {
      out_ += '-';
    }
  }

  /// Numbers are used again as soon as their ring is closed.
  void ring_text(int atom, int id) {
    auto& number = ring_[id];
    if (number == 0) {
      while (std::find(open_.begin(), open_.end(), ++number) != open_.end()) {
      }
      open_.push_back(number);
      bond_text(id, atom);
    } else {
      open_.erase(std::find(open_.begin(), open_.end(), number));
    }
    if (number > 99) {
      out_ += "%(" + std::to_string(number) + ")";
    } else {
      out_ += (number > 9 ? "%" : "") + std::to_string(number);
    }
  }

  const MoleculeGraph& in_;
  std::vector<bool> seen_;
  std::vector<int> ring_;  // by bond: its number, once written
  std::vector<int> open_;
  std::string out_;
};

}  // namespace

std::string write_smiles(const MoleculeGraph& molecule) { return SmilesWriter(molecule).write(); }

}  // namespace elbo
