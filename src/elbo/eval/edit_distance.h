#pragma once

#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

/// The ids of a row of tokens before its end.
std::vector<int64_t> tokens_before_end(const Tensor& ids);
/// Tokens to be put in, taken out or changed to make one row of the other (Levenshtein).
int64_t edit_distance(const std::vector<int64_t>& a, const std::vector<int64_t>& b);

/// How rows of tokens [N, T] differ from what was made of them: means over rows.
struct TokenAgreement {
  double exact = 0;     // share of rows that come back as they were
  double accuracy = 0;  // share of tokens, ends included, that stand where they stood
  double distance = 0;  // tokens to be edited for each row
  double share = 0;     // the same for each token of the longer row
  int64_t rows = 0;

  /// Adds rows; the figures are of all that were added.
  void add(const Tensor& data, const Tensor& made);
};

}  // namespace elbo
