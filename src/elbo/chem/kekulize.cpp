#include <algorithm>
#include <map>
#include <queue>

#include "elbo/chem/smiles.h"
#include "elbo/core/error.h"

namespace elbo {
namespace {

/// A largest matching of a graph (Edmonds 1965): paths that swap bonds in and out, odd rings
/// shrunk to their base.
class Matching {
 public:
  explicit Matching(std::vector<std::vector<int>> edges)
      : edges_(std::move(edges)), mate_(edges_.size(), -1) {
    // Most atoms find a neighbour at once; paths are for the rest.
    for (int v = 0; v < size(); ++v) {
      for (size_t i = 0; mate_[v] < 0 && i < edges_[v].size(); ++i) {
        const int w = edges_[v][i];
        if (mate_[w] >= 0) continue;
        mate_[v] = w;
        mate_[w] = v;
      }
    }
    for (int v = 0; v < size(); ++v) {
      if (mate_[v] < 0) augment(v);
    }
  }
  int mate(int v) const { return mate_[v]; }
  int size() const { return static_cast<int>(edges_.size()); }

 private:
  void augment(int root) {
    int v = find_path(root);
    while (v >= 0) {
      const int before = parent_[v], next = mate_[before];
      mate_[v] = before;
      mate_[before] = v;
      v = next;
    }
  }

  /// The free end of a path from `root`, or -1.
  int find_path(int root) {
    used_.assign(edges_.size(), false);
    parent_.assign(edges_.size(), -1);
    base_.resize(edges_.size());
    for (int v = 0; v < size(); ++v) base_[v] = v;
    used_[root] = true;
    std::queue<int> next;
    next.push(root);
    while (!next.empty()) {
      const int v = next.front();
      next.pop();
      for (const int w : edges_[v]) {
        if (base_[v] == base_[w] || mate_[v] == w) continue;
        if (w == root || (mate_[w] >= 0 && parent_[mate_[w]] >= 0)) {
          shrink(v, w, next);
        } else if (parent_[w] < 0) {
          parent_[w] = v;
          if (mate_[w] < 0) return w;
          used_[mate_[w]] = true;
          next.push(mate_[w]);
        }
      }
    }
    return -1;
  }

  void shrink(int v, int w, std::queue<int>& next) {
    const int base = common_base(v, w);
    std::vector<bool> inside(edges_.size());
    mark(v, base, w, inside);
    mark(w, base, v, inside);
    for (int i = 0; i < size(); ++i) {
      if (!inside[base_[i]]) continue;
      base_[i] = base;
      if (used_[i]) continue;
      used_[i] = true;
      next.push(i);
    }
  }

  int common_base(int v, int w) const {
    std::vector<bool> seen(edges_.size());
    for (;;) {
      v = base_[v];
      seen[v] = true;
      if (mate_[v] < 0) break;
      v = parent_[mate_[v]];
    }
    for (;;) {
      w = base_[w];
      if (seen[w]) return w;
      w = parent_[mate_[w]];
    }
  }

  void mark(int v, int base, int child, std::vector<bool>& inside) {
    while (base_[v] != base) {
      inside[base_[v]] = inside[base_[mate_[v]]] = true;
      parent_[v] = child;
      child = mate_[v];
      v = parent_[mate_[v]];
    }
  }

  const std::vector<std::vector<int>> edges_;
  std::vector<int> mate_, parent_, base_;
  std::vector<bool> used_;
};

/// Whether an aromatic atom must get a double bond within the aromatic rings, told by the electrons
/// that its single bonds leave.
bool wants_double_bond(const MoleculeGraph& molecule, const Atom& atom) {
  static const std::map<std::string, std::vector<int>> valences = {
      {"B", {3}},    {"C", {4}},  {"N", {3, 5}},  {"O", {2, 4}},  {"P", {3, 5}},
      {"S", {2, 4}}, {"Si", {4}}, {"As", {3, 5}}, {"Se", {2, 4}}, {"Te", {2, 4}}};
  const auto& allowed = valences.at(atom.element);
  int used = 0;
  for (const int id : atom.neighbours) {
    if (id != Atom::kHydrogen) used += molecule.bonds[id].order;
  }
  if (atom.hydrogens == Atom::kImplicit) {
    return std::find(allowed.begin(), allowed.end(), used) == allowed.end();
  }
  const int free = allowed.back() - atom.charge - used - atom.hydrogens;
  return free > 0 && free % 2 != 0;
}

}  // namespace

std::vector<bool> ring_bonds(const MoleculeGraph& molecule) {
  // A bond is in a ring unless it is a bridge: one whose removal parts the molecule. The tree of
  // the text has atoms in order, so that the lowest atom reached from below tells.
  std::vector<int> parent(molecule.atoms.size(), -1);  // by atom: the bond that leads to it
  std::vector<bool> in_ring(molecule.bonds.size());
  for (size_t i = 0; i < molecule.bonds.size(); ++i) {
    const auto& bond = molecule.bonds[i];
    if (!bond.closes_ring) parent[bond.b] = static_cast<int>(i);
  }
  for (size_t i = 0; i < molecule.bonds.size(); ++i) {
    const auto& bond = molecule.bonds[i];
    if (!bond.closes_ring) continue;
    in_ring[i] = true;
    // The ring is the way from both ends to where they meet.
    int a = bond.a, b = bond.b;
    while (a != b) {
      int& later = a > b ? a : b;
      const int up = parent[later];
      if (up < 0) break;  // parts that a ring number ties together across a dot
      in_ring[up] = true;
      later = molecule.bonds[up].a;
    }
  }
  return in_ring;
}

void kekulize(MoleculeGraph& molecule) {
  std::vector<int> place(molecule.atoms.size(), -1), atoms;
  for (size_t i = 0; i < molecule.atoms.size(); ++i) {
    if (!molecule.atoms[i].aromatic || !wants_double_bond(molecule, molecule.atoms[i])) continue;
    place[i] = static_cast<int>(atoms.size());
    atoms.push_back(static_cast<int>(i));
  }
  std::vector<std::vector<int>> edges(atoms.size());
  // Bonds that close rings come last, so that they stay single where there is a choice.
  for (const bool closing : {false, true}) {
    for (const auto& bond : molecule.bonds) {
      if (bond.closes_ring != closing || !bond.aromatic) continue;
      if (place[bond.a] < 0 || place[bond.b] < 0) continue;
      edges[place[bond.a]].push_back(place[bond.b]);
      edges[place[bond.b]].push_back(place[bond.a]);
    }
  }
  const Matching matching(std::move(edges));
  for (int v = 0; v < matching.size(); ++v) {
    check(matching.mate(v) >= 0, "[smiles] aromatic atom ", atoms[v] + 1, " (",
          molecule.atoms[atoms[v]].element, "): no alternation of single and double bonds");
  }
  for (auto& bond : molecule.bonds) {
    if (!bond.aromatic) continue;
    const int v = place[bond.a];
    if (v >= 0 && place[bond.b] >= 0 && matching.mate(v) == place[bond.b]) bond.order = 2;
    bond.aromatic = false;
  }
  for (auto& atom : molecule.atoms) atom.aromatic = false;
}

}  // namespace elbo
