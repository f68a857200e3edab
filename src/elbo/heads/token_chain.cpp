#include "elbo/heads/token_chain.h"

#include <cmath>
#include <limits>

#include "elbo/data/tokenizer.h"
#include "elbo/heads/token_rules.h"

namespace elbo {
namespace {

/// Ids as they were before each step: the row before has just ended.
Tensor shifted(const Tensor& ids) {
  return torch::constant_pad_nd(ids.narrow(1, 0, ids.size(1) - 1), {1, 0}, kEndToken);
}

/// One token of each row: the likeliest, or a draw (the largest of the logits with Gumbel noise).
Tensor choose(const Tensor& logits, double temperature) {
  if (temperature == 0) return logits.argmax(1);
  const auto u = torch::rand_like(logits).clamp(1e-10, 1 - 6e-8);
  return (logits / temperature - (-u.log()).log()).argmax(1);
}

}  // namespace

TokenChain::TokenChain(int64_t vocabulary, int64_t steps, TokenChainOptions options,
                       std::shared_ptr<const Grammar> grammar)
    : vocabulary_(vocabulary), steps_(steps), o_(std::move(options)) {
  if (o_.grammar) grammar_ = std::move(grammar);
  check(vocabulary_ > kUnknownToken && steps_ > 1, "[head autoregressive] shape: a vocabulary of ",
        vocabulary_, " and rows of ", steps_, " tokens; expected at least 2 of each");
  embedding_ = register_parameter(
      "embedding", torch::randn({vocabulary_, o_.embedding}) *
                       (o_.tied ? 1 / std::sqrt(static_cast<double>(o_.embedding)) : 1.0));
  network_ = register_module("network",
                             sequence_networks().make({o_.embedding, steps_, o_.context}, o_.net));
  const int64_t out = o_.tied ? o_.embedding : vocabulary_;
  out_ = register_module(
      "out", std::make_shared<Dense>(network_->out(), out, Activation::kNone, !o_.tied));
  if (o_.tied) bias_ = register_parameter("bias", torch::zeros({vocabulary_}));
}

Tensor TokenChain::logits(const Tensor& y) {
  const auto out = out_->forward(y);
  return o_.tied ? dense(out, embedding_, bias_) : out;
}

Tensor TokenChain::log_prob(const Tensor& x, const Tensor& h) {
  const auto mask = token_mask(x);
  // The last step has no choice but the end.
  const auto lengths = mask.sum(1).clamp_max(steps_ - 1).to(torch::kInt64);
  const int64_t longest = lengths.max().item<int64_t>();
  const auto ids = x.narrow(1, 0, longest).round().to(torch::kInt64);
  auto before = shifted(ids);
  if (is_training() && o_.word_dropout > 0) {
    const auto hidden = torch::rand(ids.sizes(), x.options()) < o_.word_dropout;
    hidden.select(1, 0).fill_(false);
    before = before.masked_fill(hidden, kUnknownToken);
  }
  const Packing packing(lengths, longest);
  auto y = network_->forward(embedded(packing.packed(before)), h, packing);
  if (o_.dropout > 0) y = torch::dropout(y, o_.dropout, is_training());
  const auto target = packing.packed(ids);
  auto scores = logits(y);
  if (grammar_ && !is_training()) {
    scores =
        scores + packing.packed(rule_offsets(*grammar_, ids, lengths, steps_ - 1, vocabulary_));
  }
  const auto each = scores.log_softmax(1).gather(1, target.unsqueeze(1)).squeeze(1);  // [size]
  const auto counts = torch::arange(longest, lengths.options()) < lengths.unsqueeze(1);
  const auto there = packing.padded(each).masked_fill(counts.logical_not(), 0);
  return torch::constant_pad_nd(there, {0, x.size(1) - longest});
}

Tensor TokenChain::decode(const Tensor& h, const Decoding& how) {
  torch::NoGradGuard no_gradient;
  check(how.temperature >= 0, "[head autoregressive] temperature: found ", how.temperature,
        ", must not be negative");
  if (how.beam > 1 && !how.prefix.defined()) return beam_search(h, how.beam);
  auto greedy = how;
  if (how.beam > 0) greedy.temperature = 0;
  return draw(h, greedy);
}

Tensor TokenChain::draw(const Tensor& h, const Decoding& how) {
  const int64_t rows = h.size(0), given = how.prefix.defined() ? how.prefix.size(1) : 0;
  const int64_t most = how.longest > 0 ? std::min(steps_ - 1, how.longest) : steps_ - 1;
  const auto whole = torch::TensorOptions().dtype(torch::kInt64).device(h.device());
  auto out = torch::zeros({rows, steps_}, whole);
  auto going = torch::arange(rows, whole);  // rows that have not ended
  auto token = torch::full({rows}, kEndToken, whole);
  const auto state = network_->begin(rows, h);
  TokenRules rules(grammar_.get(), rows);
  for (int64_t t = 0; t < most; ++t) {
    const auto y = state->step(embedded(token));
    token = choose(rules.ruled(logits(y), most - 1 - t), how.temperature);
    if (t < given) {
      const auto forced = how.prefix.select(1, t).to(torch::kInt64).index_select(0, going);
      token = torch::where(forced == kEndToken, token, forced);
    }
    out.select(1, t).index_copy_(0, going, token);
    const auto open = (token != kEndToken).nonzero().squeeze(1);
    if (open.size(0) == 0) break;
    rules.write(token);
    if (open.size(0) == token.size(0)) continue;
    token = token.index_select(0, open);
    going = going.index_select(0, open);
    state->keep(open);
    rules.keep(open);
  }
  return out.to(h.scalar_type());
}

Tensor TokenChain::beam_search(const Tensor& h, int64_t beam) {
  const int64_t rows = h.size(0);
  const double never = -std::numeric_limits<double>::infinity();
  const auto whole = torch::TensorOptions().dtype(torch::kInt64).device(h.device());
  const auto first = torch::arange(rows, whole).unsqueeze(1) * beam;  // [rows, 1]
  auto out = torch::zeros({rows * beam, steps_}, whole);
  // All beams of a row are alike at first: only one of them counts.
  auto score = torch::full({rows, beam}, never, h.options());
  score.select(1, 0).zero_();
  auto token = torch::full({rows * beam}, kEndToken, whole);
  auto ended = torch::zeros({rows * beam}, whole.dtype(torch::kBool));
  const auto state = network_->begin(rows * beam, h.repeat_interleave(beam, 0));
  TokenRules rules(grammar_.get(), rows * beam);
  for (int64_t t = 0; t + 1 < steps_; ++t) {
    auto each = rules.ruled(logits(state->step(embedded(token))), steps_ - 2 - t).log_softmax(1);
    each = each.masked_fill(ended.unsqueeze(1), never);
    each.select(1, kEndToken).masked_fill_(ended, 0);
    const auto all = (score.view({-1, 1}) + each).view({rows, beam * vocabulary_});
    Tensor place;
    std::tie(score, place) = all.topk(beam, 1);
    const auto from = (first + place.div(vocabulary_, "floor")).flatten();
    token = place.remainder(vocabulary_).flatten();
    state->keep(from);
    rules.keep(from);
    rules.write(token);
    out = out.index_select(0, from);
    out.select(1, t).copy_(token);
    ended = ended.index_select(0, from).logical_or(token == kEndToken);
    if (ended.all().item<bool>()) break;
  }
  return out.index_select(0, first.flatten()).to(h.scalar_type());
}

}  // namespace elbo
