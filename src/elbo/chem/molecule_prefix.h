#pragma once

#include "elbo/chem/smiles_piece.h"

namespace elbo {

/// Atoms and bonds of a SMILES whose end is not written yet. It goes through the molecule depth
/// first, as programs write it: ring numbers stand behind their atom, and a ring is closed below
/// the atom where it began, so within the same branch.
class MoleculePrefix {
 public:
  struct AtomPlace {
    const SmilesPiece* piece;
    int used, singles, open_rings;
  };
  struct BondPlace {
    int a, b, order;
    bool closes_ring;
    /// Between aromatic atoms: of a ring of such, and one that may become double.
    bool aromatic = false, alternates = false;
  };
  struct RingPlace {
    int number, atom;
    size_t depth;             // branches that were open
    const SmilesPiece* bond;  // none where nullptr
  };

  /// Whether a further bond fits at an atom.
  bool fits(int atom, int order) const;
  /// Whether an open ring can be closed by a bond of this order, as far as its first atom goes.
  bool fits_ring(const RingPlace& ring, int order) const;
  bool aromatic(int atom) const { return atoms[static_cast<size_t>(atom)].piece->aromatic; }
  bool bonded(int a, int b) const;
  /// A new atom behind the last one by a bond, which may be none.
  void add(const SmilesPiece& atom, const SmilesPiece* bond);
  void open_ring(int number, const SmilesPiece* bond);
  void close_ring(size_t which, const SmilesPiece* bond);
  void open_branch();
  /// Whether no ring began in the last branch that is open still.
  bool branch_complete() const;
  void close_branch();
  /// Nothing follows the last atom.
  void leave() { current = -1; }
  /// Whether a ring can be closed nowhere but behind the last atom.
  bool current_goes_on() const;
  /// At least so many tokens close what is open.
  int64_t tokens_missing() const;
  /// Whether atoms that no token can change any more still fit a molecule, and whether there is
  /// where to go on for those that miss something.
  bool hopeful() const;

  std::vector<AtomPlace> atoms;
  std::vector<BondPlace> bonds;
  std::vector<RingPlace> rings;
  std::vector<int> branches;
  int current = -1;
  bool may_number = false;  // a ring number may stand behind the last atom
};

}  // namespace elbo
