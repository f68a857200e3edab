#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "elbo/nn/dense.h"

namespace elbo {

/// Columns that are read, and described, one after another.
struct ColumnPlan {
  std::vector<int64_t> symbols;  // of each column
  std::vector<bool> scored;      // whether its values have a score, too, and a mixture over scores
  int64_t hidden = 256, blocks = 2, components = 10;
  double dropout = 0;

  int64_t columns() const { return static_cast<int64_t>(symbols.size()); }
  /// Where each column's symbols begin, and how many there are in all.
  std::vector<int64_t> offsets() const;
};

/// What the columns before say of a column: residual blocks of masked layers (Germain et al. 2015,
/// arXiv:1502.03509) over a sum of embeddings. The first column sees nothing.
class ColumnNet : public torch::nn::Module {
 public:
  explicit ColumnNet(ColumnPlan plan);
  /// symbols: [n, D] int64, each column's own; scores: [n, D] -> [n, hidden].
  Tensor features(const Tensor& symbols, const Tensor& scores);
  const Tensor& bias() const { return bias_; }
  int64_t symbols(int64_t column) const { return plan_.symbols[static_cast<size_t>(column)]; }
  /// [n, symbols] logits of a column.
  Tensor logits(const Tensor& features, int64_t column) const;
  /// [n, 3, components] of a column with scores: logits, places, logarithms of scales.
  Tensor mixture(const Tensor& features, int64_t column) const;
  std::vector<LayerReport> report() const;

 private:
  /// The rows of an output layer that describe a column, over what that column may see.
  Tensor out(const Dense& layer, const Tensor& features, int64_t column, int64_t from,
             int64_t count) const;

  const ColumnPlan plan_;
  const std::vector<int64_t> offsets_;
  Tensor embedding_, slope_, bias_;  // [symbols, hidden], [D, hidden], [hidden]
  Tensor seen_;                      // [D, hidden] 1 where a hidden unit sees a column
  Tensor masks_;                     // [hidden, hidden]
  Tensor shown_;  // [D, hidden] 1 where a column's description sees a hidden unit
  std::vector<std::shared_ptr<Dense>> layers_;
  std::shared_ptr<Dense> to_symbols_, to_mixtures_;
  std::vector<int64_t> mixture_at_;  // of each column, in components; -1 where it has none
};

}  // namespace elbo
