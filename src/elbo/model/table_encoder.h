#pragma once

#include "elbo/data/column.h"
#include "elbo/nn/network.h"

namespace elbo {

/// What a network sees of a table's columns: numbers standardised (positive ones and counts on a
/// log scale), classes as one-hot vectors or, where they are many, embedded.
class TableFeatures : public torch::nn::Module {
 public:
  /// `missing`: cells may be absent in training; numbers then get a learned stand-in and each
  /// column a mark.
  TableFeatures(const std::vector<Column>& columns, bool missing);
  /// x: [B, D] with NaN where a cell is absent -> [B, size()]
  Tensor forward(const Tensor& x);
  int64_t size() const { return size_; }

 private:
  void add_numbers(const std::vector<Column>& columns);
  void add_classes(const std::vector<Column>& columns);
  Tensor numbers(const Tensor& x) const;
  Tensor one_hot(const Tensor& x) const;

  int64_t size_ = 0, one_hot_size_ = 0;
  // Numbers in three groups: as they are, log x, log(1 + x); where each stands, how it is scaled.
  Tensor plain_at_, log_at_, log1p_at_, zero_at_, loc_, inverse_scale_, stand_in_;
  Tensor class_at_, class_from_;                      // of the columns that become one-hot vectors
  std::vector<std::pair<int64_t, Tensor>> embedded_;  // column, table [K, e]
  bool missing_;
};

/// The options of a table's encoder, beside those of its network.
std::vector<OptionHelp> table_encoder_options();

}  // namespace elbo
