#include "elbo/chem/molecule_prefix.h"

#include <algorithm>

#include "elbo/chem/aromatic_outlook.h"

namespace elbo {
namespace {

/// Counts bonds of this order in, or out again.
void use(MoleculePrefix::AtomPlace& atom, int order, int times = 1) {
  atom.used += times * order;
  if (order == 1) atom.singles += times;
}

/// A written single bond is none that alternates.
void tell_aromatic(const MoleculePrefix::AtomPlace& a, const MoleculePrefix::AtomPlace& b,
                   const SmilesPiece* symbol, MoleculePrefix::BondPlace& bond) {
  bond.aromatic = a.piece->aromatic && b.piece->aromatic && bond.order == 1;
  bond.alternates = bond.aromatic && (!symbol || symbol->symbol == ':');
}

}  // namespace

bool MoleculePrefix::fits(int atom, int order) const {
  const auto& place = atoms[static_cast<size_t>(atom)];
  if (order == 1 && place.singles >= place.piece->singles) return false;
  return place.used + order <= place.piece->capacity;
}

bool MoleculePrefix::fits_ring(const RingPlace& ring, int order) const {
  const auto& first = atoms[static_cast<size_t>(ring.atom)];
  return first.used - bond_order(ring.bond) + order <= first.piece->capacity;
}

bool MoleculePrefix::bonded(int a, int b) const {
  return std::any_of(bonds.begin(), bonds.end(), [&](const BondPlace& bond) {
    return (bond.a == a && bond.b == b) || (bond.a == b && bond.b == a);
  });
}

void MoleculePrefix::add(const SmilesPiece& atom, const SmilesPiece* bond) {
  const auto index = static_cast<int>(atoms.size());
  const int order = bond_order(bond);
  atoms.push_back({&atom, 0, 0, 0});
  if (current >= 0) {
    auto& from = atoms[static_cast<size_t>(current)];
    use(from, order);
    use(atoms.back(), order);
    bonds.push_back({current, index, order, false});
    tell_aromatic(from, atoms.back(), bond, bonds.back());
  }
  current = index;
  may_number = true;
}

void MoleculePrefix::open_ring(int number, const SmilesPiece* bond) {
  auto& atom = atoms[static_cast<size_t>(current)];
  use(atom, bond_order(bond));
  ++atom.open_rings;
  rings.push_back({number, current, branches.size(), bond});
}

void MoleculePrefix::close_ring(size_t which, const SmilesPiece* bond) {
  const auto ring = rings[which];
  auto& first = atoms[static_cast<size_t>(ring.atom)];
  auto& last = atoms[static_cast<size_t>(current)];
  const auto* written = ring.bond ? ring.bond : bond;
  const int order = bond_order(written);
  use(first, bond_order(ring.bond), -1);
  use(first, order);
  use(last, order);
  --first.open_rings;
  bonds.push_back({ring.atom, current, order, true});
  tell_aromatic(first, last, written, bonds.back());
  rings.erase(rings.begin() + static_cast<std::ptrdiff_t>(which));
}

void MoleculePrefix::open_branch() {
  branches.push_back(current);
  may_number = false;
}

void MoleculePrefix::close_branch() {
  may_number = false;
  current = branches.back();
  branches.pop_back();
}

int64_t MoleculePrefix::tokens_missing() const {
  int64_t atoms_missing = 0;
  for (const auto& ring : rings) {
    const int64_t here = ring.atom == current ? 2 : bonded(ring.atom, current) ? 1 : 0;
    atoms_missing = std::max(atoms_missing, here);
  }
  return static_cast<int64_t>(branches.size() + rings.size()) + atoms_missing;
}

bool MoleculePrefix::branch_complete() const {
  return std::none_of(rings.begin(), rings.end(),
                      [&](const RingPlace& ring) { return ring.depth >= branches.size(); });
}

bool MoleculePrefix::current_goes_on() const {
  return std::any_of(rings.begin(), rings.end(), [&](const RingPlace& ring) {
    const auto from = branches.begin() + static_cast<std::ptrdiff_t>(ring.depth);
    return std::none_of(from, branches.end(), [&](int atom) { return fits(atom, 1); });
  });
}

bool MoleculePrefix::hopeful() const {
  if (current_goes_on() && !(current >= 0 && fits(current, 1))) return false;
  return aromatic_rings_possible(*this);
}

}  // namespace elbo
