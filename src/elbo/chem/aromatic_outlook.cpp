#include "elbo/chem/aromatic_outlook.h"

#include <algorithm>

#include "elbo/chem/matching.h"
#include "elbo/chem/ring_bonds.h"

namespace elbo {
namespace {

/// What is known of the aromatic rings of a text that goes on.
class AromaticOutlook {
 public:
  explicit AromaticOutlook(const MoleculePrefix& text)
      : text_(text),
        goes_on_(text.atoms.size()),
        open_(text.atoms.size()),
        links_(text.atoms.size()),
        partners_(text.atoms.size()) {
    find_open();
    const auto in_ring = ring_bonds(text.atoms.size(), text.bonds);
    for (size_t i = 0; i < text_.bonds.size(); ++i) {
      const auto& bond = text_.bonds[i];
      if (!bond.aromatic || !(in_ring[i] || may_close(bond))) continue;
      ++links_[bond.a];
      ++links_[bond.b];
      if (!bond.alternates) continue;
      partners_[bond.a].push_back(bond.b);
      partners_[bond.b].push_back(bond.a);
    }
  }

  /// An aromatic atom has two neighbours in a ring of such.
  bool rings_possible() const {
    for (size_t i = 0; i < links_.size(); ++i) {
      if (text_.atoms[i].piece->aromatic && links_[i] + further_links(i) < 2) return false;
    }
    return true;
  }
  /// Single and double bonds can alternate; what is open may still find a partner.
  bool kekulizable() const {
    std::vector<int> place(links_.size(), -1), order;
    const auto take = [&](size_t atom) {
      place[atom] = static_cast<int>(order.size());
      order.push_back(static_cast<int>(atom));
    };
    std::vector<size_t> others;
    for (size_t i = 0; i < links_.size(); ++i) {
      if (!text_.atoms[i].piece->aromatic) continue;
      const auto ends = ends_of(i);
      if (!ends.wants && !ends.rests) return false;
      if (!ends.wants) continue;
      ends.rests || ends.grows ? others.push_back(i) : take(i);
    }
    const auto needed = static_cast<int>(order.size());
    std::for_each(others.begin(), others.end(), take);
    if (needed == 0) return true;
    Edges edges(order.size());
    for (size_t v = 0; v < order.size(); ++v) {
      for (const int other : partners_[order[v]]) {
        if (place[other] >= 0) edges[v].push_back(place[other]);
      }
    }
    return Matching(std::move(edges), needed).complete();
  }

 private:
  /// Single bonds that an atom may get still.
  int singles_left(size_t i) const {
    const auto& atom = text_.atoms[i];
    if (!goes_on_[i]) return 0;
    return std::min(atom.piece->singles - atom.singles, atom.piece->capacity - atom.used);
  }
  /// Whether a ring that began at this atom or above it is open.
  bool ring_above(int atom) const {
    return std::any_of(text_.rings.begin(), text_.rings.end(), [&](const auto& ring) {
      return ring.atom <= atom && atom <= last_[ring.atom];
    });
  }
  /// Links that an atom may get still.
  int further_links(size_t i) const {
    const auto atom = static_cast<int>(i);
    const int left = singles_left(i);
    // A ring that begins here takes two: its number, and what leads to its end.
    const bool begins = atom == text_.current && text_.may_number && left > 1;
    return text_.atoms[i].open_rings + (ring_above(atom) || begins ? left : 0);
  }
  struct Ends {
    bool wants, rests;  // a double bond in the ring, none
    bool grows;         // a neighbour that is not written yet may be its partner
  };
  /// How an aromatic atom may end: at least two bonds are single, at most one of the others is not.
  Ends ends_of(size_t i) const {
    const auto& [piece, used, singles, rings] = text_.atoms[i];
    Ends ends{false, false, rings > 0};
    const int left = singles_left(i);
    const bool goes_on = static_cast<int>(i) == text_.current && text_.current_goes_on();
    for (int more = std::max(0, 2 - singles); more <= left; ++more) {
      for (const int order : {0, 2}) {
        if (goes_on && more + order == 0) continue;
        const int all = used + more + order;
        if (order > 0 && (!open_[i] || all > piece->capacity)) continue;
        if (all > SmilesPiece::kMostUsed || piece->lacks[all]) continue;
        (piece->wants[all] ? ends.wants : ends.rests) = true;
        ends.grows = ends.grows || (piece->wants[all] && more > 0);
      }
    }
    return ends;
  }
  void find_open() {
    const auto n = static_cast<int>(text_.atoms.size());
    below_.assign(open_.size(), 0);
    last_.resize(open_.size());
    std::vector<int> parent(open_.size(), -1);
    const auto goes_on = [&](int atom) {
      goes_on_[atom] = open_[atom] = true;
      below_[atom] = 1;
    };
    if (text_.current >= 0) goes_on(text_.current);
    std::for_each(text_.branches.begin(), text_.branches.end(), goes_on);
    for (const auto& bond : text_.bonds) {
      if (!bond.closes_ring) parent[bond.b] = bond.a;
    }
    // All atoms below one follow it.
    for (int i = n - 1; i >= 0; --i) {
      last_[i] = std::max(last_[i], i);
      if (text_.atoms[i].open_rings > 0) open_[i] = true;
      if (parent[i] < 0) continue;
      below_[parent[i]] += below_[i];
      last_[parent[i]] = std::max(last_[parent[i]], last_[i]);
    }
  }
  /// Whether a ring that began above a bond of the tree may be closed below it.
  bool may_close(const MoleculePrefix::BondPlace& bond) const {
    return below_[bond.b] > 0 && ring_above(bond.a);
  }

  const MoleculePrefix& text_;
  std::vector<bool> goes_on_;  // may get more bonds
  std::vector<bool> open_;     // or a bond of an order not known yet
  std::vector<int> below_, last_, links_;
  std::vector<std::vector<int>> partners_;
};

}  // namespace

bool aromatic_rings_possible(const MoleculePrefix& text) {
  const bool aromatic = std::any_of(text.atoms.begin(), text.atoms.end(),
                                    [](const auto& atom) { return atom.piece->aromatic; });
  if (!aromatic) return true;
  const AromaticOutlook outlook(text);
  return outlook.rings_possible() && outlook.kekulizable();
}

}  // namespace elbo
