#pragma once

#include <vector>

namespace elbo {

/// Edges of a graph: for each vertex its neighbours.
using Edges = std::vector<std::vector<int>>;

/// A matching of a graph (Edmonds 1965): paths that swap edges in and out, odd rings shrunk to
/// their base. The first `needed` vertices find a mate wherever any matching gives all of them one;
/// the others serve them, but need none.
class Matching {
 public:
  Matching(Edges edges, int needed);
  /// -1 where there is none.
  int mate(int v) const { return mate_[static_cast<size_t>(v)]; }
  /// Whether all that need a mate have one.
  bool complete() const;

 private:
  void take_at_hand();
  bool augment(int root);
  int find_path(int root);
  void shrink(int v, int w, std::vector<int>& next);
  int common_base(int v, int w) const;
  void mark(int v, int base, int child, std::vector<bool>& inside);
  void release_stand_ins();
  int size() const { return static_cast<int>(edges_.size()); }

  Edges edges_;
  int needed_, vertices_;
  std::vector<int> mate_, parent_, base_;
  std::vector<bool> used_;
};

}  // namespace elbo
