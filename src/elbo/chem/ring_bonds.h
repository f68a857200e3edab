#pragma once

#include <vector>

namespace elbo {

/// For every bond whether it lies in a ring: unless it is a bridge, whose removal parts the
/// molecule. A bond has ends a and b, and says whether it closes a ring of the text; the others are
/// a tree whose atoms stand in order.
template <class Bond>
std::vector<bool> ring_bonds(size_t atoms, const std::vector<Bond>& bonds) {
  std::vector<int> parent(atoms, -1);  // by atom: the bond that leads to it
  std::vector<bool> in_ring(bonds.size());
  for (size_t i = 0; i < bonds.size(); ++i) {
    if (!bonds[i].closes_ring) parent[bonds[i].b] = static_cast<int>(i);
  }
  for (size_t i = 0; i < bonds.size(); ++i) {
    if (!bonds[i].closes_ring) continue;
    in_ring[i] = true;
    // The ring is the way from both ends to where they meet.
    int a = bonds[i].a, b = bonds[i].b;
    while (a != b) {
      int& later = a > b ? a : b;
      const int up = parent[later];
      if (up < 0) break;  // parts that a ring number ties together across a dot
      in_ring[up] = true;
      later = bonds[up].a;
    }
  }
  return in_ring;
}

}  // namespace elbo
