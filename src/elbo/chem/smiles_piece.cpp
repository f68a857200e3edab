#include "elbo/chem/smiles_piece.h"

#include <algorithm>

#include "elbo/chem/elements.h"
#include "elbo/chem/smiles.h"
#include "elbo/core/error.h"

namespace elbo {
namespace {

/// Tokens that are none of a SMILES (the unknown one among them) never follow.
SmilesPiece piece_of(const std::string& token) {
  using Kind = SmilesPiece::Kind;
  const auto of_kind = [](Kind kind, int ring = 0) {
    SmilesPiece piece;
    piece.kind = kind;
    piece.ring = ring;
    return piece;
  };
  if (token.empty()) return of_kind(Kind::kEnd);
  if (token == "(") return of_kind(Kind::kOpen);
  if (token == ")") return of_kind(Kind::kClose);
  if (token == ".") return of_kind(Kind::kDot);
  if (token.size() == 1 && std::string("-=#$:/\\").find(token) != std::string::npos) {
    return bond_piece(token[0]);
  }
  const auto digits = token[0] == '%' ? token.substr(1) : token;
  if (!digits.empty() && digits.size() < 4 &&
      digits.find_first_not_of("0123456789") == std::string::npos) {
    return of_kind(Kind::kRing, std::stoi(digits));
  }
  try {
    return atom_piece(token);
  } catch (const Error&) {
    return of_kind(Kind::kNone);
  }
}

}  // namespace

SmilesPiece atom_piece(const std::string& token) {
  const auto atom = parse_smiles(token).atoms.at(0);
  SmilesPiece piece;
  piece.kind = SmilesPiece::kAtom;
  piece.capacity = bonding_capacity(atom.element, atom.charge) - std::max(0, atom.hydrogens);
  piece.singles = piece.capacity;
  piece.aromatic = atom.aromatic;
  if (!atom.aromatic) return piece;
  // A neighbour on each side and one more; those with two free pairs of electrons have none more.
  const auto& e = atom.element;
  const bool pairs = e == "O" || e == "S" || e == "Se" || e == "Te";
  piece.singles = std::min(piece.capacity, pairs ? 2 + std::max(0, atom.charge) : 3);
  for (int used = 0; used <= SmilesPiece::kMostUsed; ++used) {
    piece.wants[used] = wants_double_bond(atom, used);
    piece.lacks[used] = atom.charge > 0 && !piece.wants[used] && used < piece.capacity;
  }
  return piece;
}

SmilesPiece bond_piece(char symbol) {
  SmilesPiece piece;
  piece.kind = SmilesPiece::kBond;
  piece.symbol = symbol;
  piece.order = symbol == '=' ? 2 : symbol == '#' ? 3 : symbol == '$' ? 4 : 1;
  return piece;
}

int bond_order(const SmilesPiece* bond) { return bond ? bond->order : 1; }

std::vector<SmilesPiece> smiles_pieces(const std::vector<std::string>& vocabulary) {
  std::vector<SmilesPiece> pieces;
  for (const auto& token : vocabulary) {
    auto piece = piece_of(token);
    const auto same = std::find_if(pieces.begin(), pieces.end(), [&](const auto& other) {
      return other.kind == piece.kind && other.aromatic == piece.aromatic &&
             other.capacity == piece.capacity && other.singles == piece.singles;
    });
    piece.like = static_cast<size_t>(same - pieces.begin());
    pieces.push_back(piece);
  }
  return pieces;
}

}  // namespace elbo
