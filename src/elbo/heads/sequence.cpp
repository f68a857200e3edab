#include "elbo/data/tokenizer.h"
#include "elbo/heads/parameters.h"
#include "elbo/heads/token_chain.h"

namespace elbo {
namespace {

/// Rows of tokens given features. mean() is the likeliest row, as far as greedy or beam search
/// finds it.
struct TokenSequence : Distribution, Decodable {
  std::shared_ptr<TokenChain> chain;
  Tensor h;  // [N, context]
  TokenSequence(std::shared_ptr<TokenChain> chain, Tensor h)
      : chain(std::move(chain)), h(std::move(h)) {}

  Tensor log_prob(const Tensor& x) const override {
    const int64_t rows = x.numel() / chain->steps();
    return chain->log_prob(x.reshape({rows, chain->steps()}), tile(h, rows / h.size(0))).view_as(x);
  }
  Tensor row_log_prob(const Tensor& x, const Tensor& mask) const override {
    if (!mask.defined()) return row_sum(log_prob(x));
    // A hidden token is read as an unknown one by those behind it.
    const auto hidden = (mask == 0).logical_and(x != kEndToken);
    return row_sum(log_prob(x.masked_fill(hidden, kUnknownToken)), mask);
  }
  Tensor sample(torch::IntArrayRef prefix) const override {
    const auto x = chain->decode(tile(h, numel(prefix.vec())), {});
    return x.view(draw_shape(prefix, {h.size(0), chain->steps()}));
  }
  Tensor mean() const override {
    Decoding likeliest;
    likeliest.beam = chain->beam();
    return chain->decode(h, likeliest);
  }
  Tensor decode(const Decoding& how) const override { return chain->decode(h, how); }
  bool reparameterized() const override { return false; }
};

class SequenceHead : public ReadingHead {
 public:
  SequenceHead(const Context& at, const TokenChainOptions& options) {
    check_kind("autoregressive", at.variable, {Kind::kToken});
    const auto vocabulary = at.variable.detail.value("vocabulary", Json());
    check(vocabulary.is_array() && at.variable.shape.size() == 1,
          "[head autoregressive] shape: found ", to_string(at.variable.shape),
          ", expected rows of tokens with a vocabulary");
    chain_ = register_module(
        "chain",
        std::make_shared<TokenChain>(static_cast<int64_t>(vocabulary.size()), at.variable.shape[0],
                                     options, TextCodec(at.variable).grammar()));
  }
  Dist operator()(const Tensor& h) override { return std::make_shared<TokenSequence>(chain_, h); }
  Shape input() const override { return {chain_->context()}; }

 private:
  std::shared_ptr<TokenChain> chain_;
};

const bool sequence_added = heads().add<TokenChainOptions>(
    "autoregressive", "Tokens one after another, by a sequence network over those before",
    [](const Context& at, const TokenChainOptions& options) {
      return std::make_shared<SequenceHead>(at, options);
    });

}  // namespace
}  // namespace elbo
