#pragma once

#include "elbo/core/grammar.h"
#include "elbo/distributions/decoding.h"
#include "elbo/nn/dense.h"
#include "elbo/nn/sequence.h"

namespace elbo {

struct TokenChainOptions {
  Json net = "gru";
  int64_t embedding = 128, context = 64, beam = 1;
  double word_dropout = 0, dropout = 0;
  bool tied = false, grammar = true;
  template <class F>
  void fields(F&& f) {
    f("net", net, "sequence network that reads the tokens before: gru, transformer, causal_conv");
    f("embedding", embedding, "embedding size", between(1, 65536));
    f("context", context, "decoder features that all steps read", between(1, 65536));
    f("word_dropout", word_dropout, "fraction of earlier tokens hidden in training", between(0, 1));
    f("dropout", dropout, "fraction of the network's outputs dropped in training", between(0, 0.9));
    f("grammar", grammar,
      "exclude tokens that break the rules of the language (SMILES) when decoding; training "
      "ignores the rules, which bounds the likelihood from below");
    f("tied", tied, "share weights between token embedding and output layer (weight tying)");
    f("beam", beam, "beam width when decoding the likeliest row (1 = greedy)", between(1, 1000));
  }
};

/// p(x | h) = prod_t p(x_t | x_<t, h) over rows of at most steps - 1 tokens and their end.
class TokenChain : public torch::nn::Module {
 public:
  /// `grammar` may be nullptr; it speaks of the ids of the vocabulary.
  TokenChain(int64_t vocabulary, int64_t steps, TokenChainOptions options,
             std::shared_ptr<const Grammar> grammar);
  /// x: [N, T] ids, h: [N, context] -> [N, T], 0 behind the end. A row that has no room for
  /// another token ends with certainty.
  Tensor log_prob(const Tensor& x, const Tensor& h);
  /// [N, T] ids for each row of h.
  Tensor decode(const Tensor& h, const Decoding& how);

  int64_t context() const { return o_.context; }
  int64_t beam() const { return o_.beam; }
  int64_t steps() const { return steps_; }

 private:
  /// [n, out] of the network -> [n, vocabulary]
  Tensor logits(const Tensor& y);
  Tensor embedded(const Tensor& ids) const { return torch::embedding(embedding_, ids); }
  Tensor draw(const Tensor& h, const Decoding& how);
  Tensor beam_search(const Tensor& h, int64_t beam);

  const int64_t vocabulary_, steps_;
  const TokenChainOptions o_;
  Tensor embedding_, bias_;  // [vocabulary, embedding]; [vocabulary] where tied
  std::shared_ptr<SequenceNetwork> network_;
  std::shared_ptr<Dense> out_;
  std::shared_ptr<const Grammar> grammar_;
};

}  // namespace elbo
