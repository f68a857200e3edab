#pragma once

#include <memory>

#include "elbo/distributions/states.h"
#include "elbo/nn/column_net.h"

namespace elbo {

/// States of D columns, [n, D] float numbers of them, each given those before it: of a column's
/// symbols (classes, single values, "between them") by a softmax, of the cells between single
/// values by a mixture of logistic distributions over their scores. A state plus the number V of
/// states stands for a missing cell and what would be there; its probability is that of missing.
struct ColumnStates : Distribution {
  std::shared_ptr<ColumnNet> net;
  std::shared_ptr<const StateSpace> space;
  Tensor frequency;     // [D, V] logarithms, to which the net adds
  Tensor missing;       // [D] log odds, to which it adds; undefined = no cell is missing
  bool marked = false;  // whether there is a symbol for missing cells, possible or not

  /// [n, D]
  Tensor log_prob(const Tensor& z) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override { return sample({}); }
  bool reparameterized() const override { return false; }
  bool factorises() const override { return false; }

  /// z, known: [n, D], 1 where a state is given. The others are drawn in turn, each given those
  /// before it; with their log density [n, D], 0 where a state is given.
  std::pair<Tensor, Tensor> completed(const Tensor& z, const Tensor& known) const;

 private:
  struct Column;
  Tensor features(const Tensor& z) const;
  /// [n] which of a column's symbols its states [n] have.
  Tensor symbol(const Tensor& z, int64_t column) const;
  /// [n] the cells of states that are ranges.
  Tensor cell(const Tensor& state) const;
};

}  // namespace elbo
