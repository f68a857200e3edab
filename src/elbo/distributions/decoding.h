#pragma once

#include "elbo/core/tensor.h"

namespace elbo {

/// How rows of tokens are made from a distribution over them.
struct Decoding {
  double temperature = 1;  // of draws; 0 = the likeliest token at each step
  int64_t beam = 0;        // > 0: no draws, the likeliest rows among so many followed at once
  Tensor prefix;           // [N, P] tokens that rows begin with, 0 behind them; undefined = none
  int64_t longest = 0;     // tokens after which a row is left off; 0 = as many as it may have
};

/// A distribution over rows of tokens.
class Decodable {
 public:
  virtual ~Decodable() = default;
  /// [N, T] ids, 0 behind the end of a row.
  virtual Tensor decode(const Decoding& how) const = 0;
};

}  // namespace elbo
