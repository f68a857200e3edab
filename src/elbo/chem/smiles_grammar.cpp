#include "elbo/chem/smiles_grammar.h"

#include <algorithm>

#include "elbo/chem/molecule_prefix.h"
#include "elbo/chem/smiles.h"

namespace elbo {
namespace {

using Pieces = std::vector<SmilesPiece>;

class SmilesWriting : public Writing {
 public:
  explicit SmilesWriting(std::shared_ptr<const Pieces> pieces) : pieces_(std::move(pieces)) {}

  std::unique_ptr<Writing> copy() const override { return std::make_unique<SmilesWriting>(*this); }

  std::vector<uint8_t> allowed(int64_t room) const override {
    std::vector<uint8_t> result(pieces_->size(), 1);
    if (lost_) return result;
    Known known(pieces_->size(), -1);
    for (size_t i = 0; i < result.size(); ++i) {
      const auto& piece = (*pieces_)[i];
      result[i] = may_follow(piece, known) && has_room(piece, room);
    }
    if (std::count(result.begin(), result.end(), 1) == 0) result.assign(result.size(), 1);
    return result;
  }

  void write(int64_t token) override {
    const auto& piece = pieces_->at(static_cast<size_t>(token));
    Known known(pieces_->size(), -1);
    lost_ = lost_ || !may_follow(piece, known);
    if (!lost_) apply(piece, text_);
    lost_ = lost_ || piece.kind == SmilesPiece::kEnd;
    const bool bond = piece.kind == SmilesPiece::kBond;
    began_branch_ = piece.kind == SmilesPiece::kOpen || (bond && began_branch_);
    bond_ = bond ? &piece : nullptr;
  }

 private:
  static constexpr int64_t kMostMissing = 4;  // atoms and the like beside the closing tokens

  /// By SmilesPiece::like: whether such an atom may follow; -1 where nobody has asked.
  using Known = std::vector<int8_t>;

  bool may_follow(const SmilesPiece& piece, Known& known) const {
    const bool settled = text_.current >= 0 && !bond_ && !began_branch_;
    switch (piece.kind) {
      case SmilesPiece::kNone:
        return false;
      case SmilesPiece::kEnd:
      case SmilesPiece::kDot:
        return settled && text_.branches.empty() && text_.rings.empty() && keeps_hope(piece);
      case SmilesPiece::kOpen:
        return settled && text_.fits(text_.current, 1) && may_branch();
      case SmilesPiece::kClose:
        return settled && !text_.branches.empty() && text_.branch_complete() && keeps_hope(piece);
      case SmilesPiece::kBond:
        return may_bond(piece);
      case SmilesPiece::kRing:
        return may_ring(piece);
      case SmilesPiece::kAtom:
        return may_add(piece, known);
    }
    return false;
  }

  static bool alternating(const SmilesPiece* bond) { return bond && bond->symbol == ':'; }

  static bool leads_to_atom(const MoleculePrefix& text, const SmilesPiece* bond) {
    static const auto carbon = atom_piece("C"), aromatic = atom_piece("c");
    const auto leads_to = [&](const SmilesPiece& atom) {
      auto after = text;
      after.add(atom, bond);
      return after.hopeful();
    };
    return (!alternating(bond) && leads_to(carbon)) ||
           (bond_order(bond) == 1 && leads_to(aromatic));
  }

  bool may_branch() const {
    static const auto twofold = bond_piece('=');
    auto after = text_;
    after.open_branch();
    return leads_to_atom(after, nullptr) ||
           (after.fits(after.current, 2) && leads_to_atom(after, &twofold));
  }

  bool may_bond(const SmilesPiece& bond) const {
    if (text_.current < 0 || bond_ || !text_.fits(text_.current, bond.order)) return false;
    if (alternating(&bond) && !text_.aromatic(text_.current)) return false;
    if (leads_to_atom(text_, &bond)) return true;
    for (size_t i = 0; i < text_.rings.size(); ++i) {
      if (text_.may_number && may_close(i, &bond)) return true;
    }
    return false;
  }

  bool may_add(const SmilesPiece& atom, Known& known) const {
    if (text_.current < 0) return true;
    const int order = bond_order(bond_);
    if (order > atom.capacity || (alternating(bond_) && !atom.aromatic)) return false;
    if (!text_.fits(text_.current, order)) return false;
    auto& hope = known[atom.like];
    if (hope < 0) hope = keeps_hope(atom);
    return hope == 1;
  }

  bool may_ring(const SmilesPiece& piece) const {
    if (text_.current < 0 || !text_.may_number) return false;
    for (size_t i = 0; i < text_.rings.size(); ++i) {
      if (text_.rings[i].number == piece.ring) return may_close(i, bond_);
    }
    return text_.fits(text_.current, bond_order(bond_)) && keeps_hope(piece);
  }

  bool may_close(size_t which, const SmilesPiece* bond) const {
    const auto& ring = text_.rings[which];
    const int atom = text_.current;
    if (ring.atom == atom || text_.bonded(ring.atom, atom)) return false;
    if (ring.bond && bond && ring.bond->symbol != reversed(bond->symbol)) return false;
    const auto* written = ring.bond ? ring.bond : bond;
    const int order = bond_order(written);
    if (alternating(written) && !text_.aromatic(atom)) return false;
    if (!text_.fits(atom, order) || !text_.fits_ring(ring, order)) return false;
    auto after = text_;
    after.close_ring(which, bond);
    return after.hopeful();
  }

  /// Whether what is open can be closed by so many tokens behind this one.
  bool has_room(const SmilesPiece& piece, int64_t room) const {
    // Far from the end nothing needs to be counted.
    if (room > static_cast<int64_t>(text_.branches.size() + text_.rings.size()) + kMostMissing) {
      return true;
    }
    auto after = text_;
    apply(piece, after);
    const bool leads_on = piece.kind == SmilesPiece::kOpen ||
                          (piece.kind == SmilesPiece::kBond && after.rings.empty());
    return after.tokens_missing() + leads_on <= room;
  }

  bool keeps_hope(const SmilesPiece& piece) const {
    auto after = text_;
    apply(piece, after);
    return after.hopeful();
  }

  void apply(const SmilesPiece& piece, MoleculePrefix& text) const {
    switch (piece.kind) {
      case SmilesPiece::kEnd:
      case SmilesPiece::kDot:
        return text.leave();
      case SmilesPiece::kOpen:
        return text.open_branch();
      case SmilesPiece::kClose:
        return text.close_branch();
      case SmilesPiece::kAtom:
        return text.add(piece, bond_);
      case SmilesPiece::kRing: {
        for (size_t i = 0; i < text.rings.size(); ++i) {
          if (text.rings[i].number == piece.ring) return text.close_ring(i, bond_);
        }
        return text.open_ring(piece.ring, bond_);
      }
      case SmilesPiece::kBond:
      case SmilesPiece::kNone:
        return;
    }
  }

  std::shared_ptr<const Pieces> pieces_;
  MoleculePrefix text_;
  const SmilesPiece* bond_ = nullptr;  // written, but not what it leads to
  bool began_branch_ = false, lost_ = false;
};

class SmilesGrammar : public Grammar {
 public:
  explicit SmilesGrammar(const std::vector<std::string>& vocabulary) {
    pieces_ = std::make_shared<const Pieces>(smiles_pieces(vocabulary));
  }
  std::unique_ptr<Writing> begin() const override {
    return std::make_unique<SmilesWriting>(pieces_);
  }

 private:
  std::shared_ptr<const Pieces> pieces_;
};

}  // namespace

std::shared_ptr<const Grammar> smiles_grammar(const std::vector<std::string>& vocabulary) {
  return std::make_shared<SmilesGrammar>(vocabulary);
}

}  // namespace elbo
