#include <algorithm>
#include <map>

#include "elbo/chem/matching.h"
#include "elbo/chem/ring_bonds.h"
#include "elbo/chem/smiles.h"
#include "elbo/core/error.h"

namespace elbo {
namespace {

/// Electrons that the single bonds of an aromatic atom take.
int electrons_used(const MoleculeGraph& molecule, const Atom& atom) {
  int used = 0;
  for (const int id : atom.neighbours) {
    if (id != Atom::kHydrogen) used += molecule.bonds[id].order;
  }
  return used;
}

}  // namespace

bool wants_double_bond(const Atom& atom, int used) {
  static const std::map<std::string, std::vector<int>> valences = {
      {"B", {3}},    {"C", {4}},  {"N", {3, 5}},  {"O", {2, 4}},  {"P", {3, 5}},
      {"S", {2, 4}}, {"Si", {4}}, {"As", {3, 5}}, {"Se", {2, 4}}, {"Te", {2, 4}}};
  const auto& allowed = valences.at(atom.element);
  if (atom.hydrogens == Atom::kImplicit) {
    return std::find(allowed.begin(), allowed.end(), used) == allowed.end();
  }
  const int free = allowed.back() - atom.charge - used - atom.hydrogens;
  return free > 0 && free % 2 != 0;
}

std::vector<bool> ring_bonds(const MoleculeGraph& molecule) {
  return ring_bonds(molecule.atoms.size(), molecule.bonds);
}

void kekulize(MoleculeGraph& molecule) {
  std::vector<int> place(molecule.atoms.size(), -1), atoms;
  for (size_t i = 0; i < molecule.atoms.size(); ++i) {
    if (!molecule.atoms[i].aromatic) continue;
    const auto& atom = molecule.atoms[i];
    if (!wants_double_bond(atom, electrons_used(molecule, atom))) continue;
    place[i] = static_cast<int>(atoms.size());
    atoms.push_back(static_cast<int>(i));
  }
  Edges edges(atoms.size());
  // Bonds that close rings come last, so that they stay single where there is a choice.
  for (const bool closing : {false, true}) {
    for (const auto& bond : molecule.bonds) {
      if (bond.closes_ring != closing || !bond.aromatic) continue;
      if (place[bond.a] < 0 || place[bond.b] < 0) continue;
      edges[place[bond.a]].push_back(place[bond.b]);
      edges[place[bond.b]].push_back(place[bond.a]);
    }
  }
  const auto count = static_cast<int>(atoms.size());
  const Matching matching(std::move(edges), count);
  for (int v = 0; v < count; ++v) {
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
