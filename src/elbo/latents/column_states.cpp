#include "elbo/latents/column_states.h"

#include <cmath>

namespace elbo {
namespace {

constexpr double kNever = -1e9;
// Beyond the scores of all cells.
constexpr double kEnd = 1e4;
constexpr double kNarrowest = 1e-7;
// Shares whose normal score is finite.
constexpr double kInnermost = 1 - 1e-6;
constexpr double kLowestLogScale = -5, kHighestLogScale = 3;

/// A mixture of logistic distributions, [n, K] each.
struct Logistics {
  Tensor log_share, place, log_scale;
  explicit Logistics(const Tensor& raw)
      : log_share(raw.select(1, 0).log_softmax(1)),
        place(raw.select(1, 1)),
        log_scale(raw.select(1, 2).clamp(kLowestLogScale, kHighestLogScale)) {}

  /// [n] log of the probability between two scores [n].
  Tensor log_between(const Tensor& low, const Tensor& high) const {
    const auto rate = (-log_scale).exp();
    const auto a = (low.unsqueeze(1) - place) * rate, b = (high.unsqueeze(1) - place) * rate;
    const auto width = ((high - low).unsqueeze(1) * rate).clamp_min(kNarrowest);
    return (log_share + torch::log_sigmoid(b) + torch::log_sigmoid(-a) +
            (-torch::expm1(-width)).log())
        .logsumexp(1);
  }

  Tensor sample() const {
    const auto k = drawn_by(log_share.exp()).unsqueeze(1);
    const auto u = open_uniform({k.size(0), 1}, place.options());
    const auto score = place.gather(1, k) + log_scale.gather(1, k).exp() * (u.log() - (-u).log1p());
    return score.squeeze(1);
  }
};

}  // namespace

/// One column of the chain, given features of those before it.
struct ColumnStates::Column {
  const ColumnStates& of;
  int64_t j;
  Tensor h;

  const StateSpace& space() const { return *of.space; }
  bool numeric() const { return space().numeric(j); }
  Tensor row(const Tensor& all) const { return all[j]; }

  /// Logarithms of the symbols' frequencies.
  Tensor base() const {
    const auto used = row(space().used);
    const auto usual = row(of.frequency).masked_fill(used == 0, kNever);
    std::vector<Tensor> parts;
    if (numeric()) {
      parts = {usual.narrow(0, 0, space().singles),
               usual.narrow(0, space().singles, space().ranges).logsumexp(0, true)};
    } else {
      parts = {usual.masked_select(used != 0)};
    }
    if (of.marked) {
      parts.push_back(of.missing.defined() ? row(of.missing).view({1})
                                           : torch::full({1}, kNever, usual.options()));
    }
    return torch::cat(parts);
  }

  /// Scores of the cells' ends, [ranges + 1]: logits of the share of rows below.
  Tensor ends() const {
    const auto below = row(space().cumulated).narrow(0, 0, space().ranges + 1);
    const auto share = below / below.max().clamp_min(1);
    return (share.log() - (-share).log1p()).clamp(-kEnd, kEnd);
  }

  Tensor log_prob(const Tensor& z) const {
    const int64_t v = space().states();
    const auto state = z.remainder(v);
    const auto log_p = (of.net->logits(h, j) + base()).log_softmax(1);
    auto own = log_p.gather(1, of.symbol(z, j).unsqueeze(1)).squeeze(1);
    if (!numeric()) return own;
    const auto share = space().rest[j];
    const auto between = state >= space().singles, is_rest = state == v - 1;
    const auto edges = ends();
    const auto at = of.cell(state);
    const auto within = Logistics(of.net->mixture(h, j))
                            .log_between(edges.index_select(0, at), edges.index_select(0, at + 1));
    own = own + torch::where(between.logical_and(z < v), within, torch::zeros_like(within));
    const auto whole = torch::where(is_rest, share.log(), own + (-share).log1p());
    return torch::where(z < v, whole, own);
  }

  /// [n] int64
  Tensor sample() const {
    const int64_t v = space().states();
    auto p = (of.net->logits(h, j) + base()).softmax(1);
    Tensor absent;
    if (of.marked) {
      absent = torch::rand({p.size(0)}, p.options()) < p.select(1, p.size(1) - 1);
      p = p.narrow(1, 0, p.size(1) - 1).contiguous();
    }
    auto state = drawn_by(p);
    if (numeric()) {
      const auto edges = ends();
      const auto scores = Logistics(of.net->mixture(h, j)).sample();
      const auto drawn = (torch::searchsorted(edges, scores, false, true) - 1);
      state = torch::where(state < space().singles, state,
                           space().singles + drawn.clamp(0, space().ranges - 1));
      const auto rest = torch::rand({p.size(0)}, p.options()) < space().rest[j];
      state = state.masked_fill(rest, v - 1);
    }
    return absent.defined() ? torch::where(absent, state + v, state) : state;
  }
};

Tensor ColumnStates::symbol(const Tensor& z, int64_t column) const {
  const int64_t v = space->states();
  const auto state = z.remainder(v);
  const auto own = space->numeric(column) ? state.clamp_max(space->singles) : state;
  return marked ? own.masked_fill(z >= v, net->symbols(column) - 1) : own;
}

Tensor ColumnStates::cell(const Tensor& state) const {
  return (state - space->singles).clamp(0, space->ranges - 1);
}

Tensor ColumnStates::features(const Tensor& z) const {
  const int64_t v = space->states();
  const auto state = z.remainder(v);
  std::vector<Tensor> symbols, scores;
  for (int64_t j = 0; j < space->columns(); ++j) {
    const auto own = state.select(1, j);
    symbols.push_back(symbol(z.select(1, j), j));
    if (!space->numeric(j)) {
      scores.push_back(torch::zeros_like(own, torch::kFloat32));
      continue;
    }
    const auto below = space->cumulated[j];
    const auto at = cell(own);
    const auto middle = (below.index_select(0, at) + below.index_select(0, at + 1)) /
                        (2 * below.max().clamp_min(1));
    const auto score =
        std::sqrt(2.0) * torch::erfinv((2 * middle - 1).clamp(-kInnermost, kInnermost));
    const auto between =
        (own >= space->singles).logical_and(own < v - 1).logical_and(z.select(1, j) < v);
    scores.push_back(torch::where(between, score, torch::zeros_like(score)));
  }
  return net->features(torch::stack(symbols, 1), torch::stack(scores, 1));
}

Tensor ColumnStates::log_prob(const Tensor& z) const {
  const auto states = z.round().to(torch::kInt64);
  const auto h = features(states);
  std::vector<Tensor> columns;
  for (int64_t j = 0; j < space->columns(); ++j) {
    columns.push_back(Column{*this, j, h}.log_prob(states.select(1, j)));
  }
  return torch::stack(columns, 1);
}

std::pair<Tensor, Tensor> ColumnStates::completed(const Tensor& z, const Tensor& known) const {
  auto states = z.round().to(torch::kInt64).clone();
  auto log_q = torch::zeros_like(z);
  for (int64_t j = 0; j < space->columns(); ++j) {
    const auto open = known.select(1, j).logical_not().nonzero().flatten();
    if (open.numel() == 0) continue;
    const Column column{*this, j, features(states.index_select(0, open))};
    const auto drawn = column.sample();
    states.select(1, j).index_copy_(0, open, drawn);
    log_q.select(1, j).index_copy_(0, open, column.log_prob(drawn));
  }
  return {states.to(z.scalar_type()), log_q};
}

Tensor ColumnStates::sample(torch::IntArrayRef prefix) const {
  auto shape = prefix.vec();
  if (shape.empty()) shape.push_back(1);
  const auto options = frequency.options();
  const int64_t n = numel(shape);
  shape.push_back(space->columns());
  const auto nothing = torch::zeros({n, space->columns()}, options);
  return completed(nothing, nothing.to(torch::kBool)).first.view(shape);
}

}  // namespace elbo
