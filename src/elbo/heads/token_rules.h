#pragma once

#include "elbo/core/grammar.h"
#include "elbo/core/tensor.h"

namespace elbo {

/// Rows that are being written under a grammar.
class TokenRules {
 public:
  /// `grammar` may be nullptr: then everything may follow.
  TokenRules(const Grammar* grammar, int64_t rows);
  /// logits: [n, vocabulary] of what follows in each row; tokens against the rules lose so much
  /// that they are not drawn, but have a density still. `room`: how many tokens fit behind them.
  Tensor ruled(const Tensor& logits, int64_t room) const;
  /// tokens: [n], one for each row.
  void write(const Tensor& tokens);
  /// Goes on with these of the rows, which may repeat: int64 [m].
  void keep(const Tensor& rows);

 private:
  std::vector<std::unique_ptr<Writing>> rows_;
};

/// What ruled() adds at each step of given rows of at most `most` tokens. ids: [N, T] int64,
/// lengths: [N] int64 -> [N, T, vocabulary], 0 behind a row's length.
Tensor rule_offsets(const Grammar& grammar, const Tensor& ids, const Tensor& lengths, int64_t most,
                    int64_t vocabulary);

}  // namespace elbo
