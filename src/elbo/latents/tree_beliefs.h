#pragma once

#include <memory>
#include <vector>

#include "elbo/distributions/distribution.h"
#include "elbo/latents/chow_liu.h"

namespace elbo {

/// Probabilities of classes along a tree: of the root's, and of each column's given its parent's.
struct ClassTree {
  ColumnTree tree;
  Tensor root;   // [H] with sum 1
  Tensor links;  // [D, H, H], rows of the parent's class with sum 1; not read at the root
  int64_t columns() const { return static_cast<int64_t>(tree.parent.size()); }
};

/// A class in each column, [n, D] float numbers of them. log_prob: [n, D], of each column's class
/// given its parent's.
struct ClassesOfTree : Distribution {
  std::shared_ptr<const ClassTree> of;
  explicit ClassesOfTree(std::shared_ptr<const ClassTree> of) : of(std::move(of)) {}
  Tensor log_prob(const Tensor& z) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  /// The likeliest class of the root, then of each column given its parent's.
  Tensor mean() const override;
  bool reparameterized() const override { return false; }
  bool factorises() const override { return true; }
  Dist detached() const override;
};

/// The same given what columns say of their classes, exactly: each message is a sum over all
/// classes (Pearl 1988).
struct ClassesGiven : Distribution {
  std::shared_ptr<const ClassTree> of;
  std::vector<Tensor> below;   // by column: [n, H] p(cells in and below it | class), times anything
  std::vector<Tensor> upward;  // by column: [n, H] the same, given the parent's class
  Tensor log_evidence;         // [n] log p(cells)

  /// log_cells: [n, H, D], log p(cell | class); 0 where a cell is not known.
  ClassesGiven(std::shared_ptr<const ClassTree> of, const Tensor& log_cells);
  /// Each row `samples` times, samples outermost.
  std::shared_ptr<const ClassesGiven> tiled(int64_t samples) const;
  Tensor log_prob(const Tensor& z) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  bool reparameterized() const override { return false; }
  bool factorises() const override { return true; }
  Dist detached() const override;
};

}  // namespace elbo
