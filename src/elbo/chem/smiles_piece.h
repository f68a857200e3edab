#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace elbo {

/// What a SMILES token stands for.
struct SmilesPiece {
  enum Kind { kEnd, kNone, kAtom, kBond, kRing, kOpen, kClose, kDot };
  static constexpr int kMostUsed = 8;

  Kind kind = kNone;
  int ring = 0;      // its number
  int order = 1;     // of a bond
  char symbol = 0;   // of a bond
  int capacity = 0;  // of an atom: orders of its bonds beside written hydrogens, at most
  int singles = 0;   // and how many of them are single
  size_t like = 0;   // atoms with the same number go on alike
  bool aromatic = false;
  /// By the orders used: whether an aromatic atom must get a double bond in its ring, and whether
  /// it misses bonds.
  bool wants[kMostUsed + 1] = {}, lacks[kMostUsed + 1] = {};
};

/// Of tokens in the order of a vocabulary; "" stands for the end, what is no SMILES for nothing.
std::vector<SmilesPiece> smiles_pieces(const std::vector<std::string>& vocabulary);
SmilesPiece atom_piece(const std::string& token);
SmilesPiece bond_piece(char symbol);
/// 1 where no symbol is written (nullptr).
int bond_order(const SmilesPiece* bond);

}  // namespace elbo
