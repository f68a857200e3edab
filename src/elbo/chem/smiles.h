#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace elbo {

/// An atom as SMILES spell it.
struct Atom {
  std::string element;
  bool aromatic = false;
  int isotope = 0, charge = 0;
  int hydrogens = kImplicit;  // written ones; kImplicit: as many as the valence asks for
  int chirality = 0;          // +1 for @, -1 for @@, as seen along `neighbours`
  /// Bonds in the order of the text; kHydrogen stands for a hydrogen written within the atom.
  std::vector<int> neighbours;

  static constexpr int kImplicit = -1, kHydrogen = -1;
};

/// A bond between two atoms; one that closes a ring is none of the tree that the text spells.
struct Bond {
  int a = 0, b = 0;
  int order = 1;
  bool aromatic = false, closes_ring = false;
  char direction = 0;  // '/' or '\\' as read from a to b: cis and trans beside a double bond

  int other(int atom) const { return atom == a ? b : a; }
};

struct MoleculeGraph {
  std::vector<Atom> atoms;
  std::vector<Bond> bonds;

  int add_bond(Bond bond);
};

/// The direction of a bond read from its other end.
char reversed(char direction);
/// Whether the permutation that turns one order into the other swaps an odd number of pairs.
bool odd_permutation(const std::vector<int>& from, const std::vector<int>& to);

/// Longer texts are no molecules that a model reads.
constexpr size_t kMostSmiles = 5000;

/// Atoms, bonds, brackets and ring numbers of a SMILES one by one; joined they are the text again.
/// An open bracket raises an Error.
std::vector<std::string> smiles_tokens(std::string_view text);
/// Weininger 1988, as OpenSMILES has it. What cannot be read raises an Error with its place.
MoleculeGraph parse_smiles(std::string_view text);
std::string write_smiles(const MoleculeGraph& molecule);
/// Whether an aromatic atom must get a double bond within its ring, told by the electrons that its
/// single bonds leave; `used`: the orders of all its bonds, aromatic ones counted as 1.
bool wants_double_bond(const Atom& atom, int used);
/// Single and double bonds instead of aromatic ones. Raises an Error where there are no such.
void kekulize(MoleculeGraph& molecule);
/// For every bond whether it lies in a ring.
std::vector<bool> ring_bonds(const MoleculeGraph& molecule);

}  // namespace elbo
