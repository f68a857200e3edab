#include "elbo/chem/matching.h"

namespace elbo {

Matching::Matching(Edges edges, int needed)
    : edges_(std::move(edges)), needed_(needed), vertices_(size()) {
  // A vertex that needs no mate may give up its own: it then has a stand-in of its own for a while.
  edges_.resize(static_cast<size_t>(2 * vertices_ - needed_));
  for (int v = needed_; v < vertices_; ++v) {
    const int stand_in = vertices_ + v - needed_;
    edges_[v].push_back(stand_in);
    edges_[stand_in].push_back(v);
  }
  mate_.assign(edges_.size(), -1);
  take_at_hand();
  for (int v = 0; v < needed_; ++v) {
    if (mate_[v] >= 0) continue;
    if (!augment(v)) return;
    release_stand_ins();
  }
}

bool Matching::complete() const {
  for (int v = 0; v < needed_; ++v) {
    if (mate_[v] < 0) return false;
  }
  return true;
}

/// Most vertices find a neighbour at once; paths are for the rest.
void Matching::take_at_hand() {
  for (int v = 0; v < needed_; ++v) {
    for (size_t i = 0; mate_[v] < 0 && i < edges_[v].size(); ++i) {
      const int w = edges_[v][i];
      if (mate_[w] >= 0) continue;
      mate_[v] = w;
      mate_[w] = v;
    }
  }
}

void Matching::release_stand_ins() {
  for (int v = needed_; v < vertices_; ++v) {
    const int stand_in = vertices_ + v - needed_;
    if (mate_[v] == stand_in) mate_[v] = mate_[stand_in] = -1;
  }
}

bool Matching::augment(int root) {
  int v = find_path(root);
  if (v < 0) return false;
  while (v >= 0) {
    const int before = parent_[v], next = mate_[before];
    mate_[v] = before;
    mate_[before] = v;
    v = next;
  }
  return true;
}

/// The free end of a path from `root`, or -1.
int Matching::find_path(int root) {
  used_.assign(edges_.size(), false);
  parent_.assign(edges_.size(), -1);
  base_.resize(edges_.size());
  for (int v = 0; v < size(); ++v) base_[v] = v;
  used_[root] = true;
  std::vector<int> next{root};
  for (size_t at = 0; at < next.size(); ++at) {
    const int v = next[at];
    for (const int w : edges_[v]) {
      if (base_[v] == base_[w] || mate_[v] == w) continue;
      if (w == root || (mate_[w] >= 0 && parent_[mate_[w]] >= 0)) {
        shrink(v, w, next);
      } else if (parent_[w] < 0) {
        parent_[w] = v;
        if (mate_[w] < 0) return w;
        used_[mate_[w]] = true;
        next.push_back(mate_[w]);
      }
    }
  }
  return -1;
}

void Matching::shrink(int v, int w, std::vector<int>& next) {
  const int base = common_base(v, w);
  std::vector<bool> inside(edges_.size());
  mark(v, base, w, inside);
  mark(w, base, v, inside);
  for (int i = 0; i < size(); ++i) {
    if (!inside[base_[i]]) continue;
    base_[i] = base;
    if (used_[i]) continue;
    used_[i] = true;
    next.push_back(i);
  }
}

int Matching::common_base(int v, int w) const {
  std::vector<bool> seen(edges_.size());
  for (;;) {
    v = base_[v];
    seen[v] = true;
    if (mate_[v] < 0) break;
    v = parent_[mate_[v]];
  }
  for (;;) {
    w = base_[w];
    if (seen[w]) return w;
    w = parent_[mate_[w]];
  }
}

void Matching::mark(int v, int base, int child, std::vector<bool>& inside) {
  while (base_[v] != base) {
    inside[base_[v]] = inside[base_[mate_[v]]] = true;
    parent_[v] = child;
    child = mate_[v];
    v = parent_[mate_[v]];
  }
}

}  // namespace elbo
