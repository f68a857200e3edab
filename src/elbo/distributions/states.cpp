#include "elbo/distributions/states.h"

#include <cmath>

namespace elbo {
namespace {

constexpr double kHalfTurn = 3.14159265358979323846;
constexpr double kUnusedState = -1e9;
// Float32 beside a value: two numbers this near are one.
constexpr double kFloatStep = 2e-7;
constexpr int kRedraws = 8;

/// log of a Cauchy density.
Tensor log_cauchy(const Tensor& x, const Tensor& middle, const Tensor& reach) {
  return -(reach * kHalfTurn).log() - ((x - middle) / reach).square().log1p();
}

/// Which of the rising ends each value lies behind, [n] int64.
Tensor place_of(const Tensor& ends, const Tensor& x) {
  return torch::searchsorted(ends, x.contiguous(), false, true) - 1;
}

/// One column of a space.
struct StateColumn {
  const StateSpace& s;
  int64_t j;

  Tensor row(const Tensor& all) const { return all[j]; }
  StateKind kind() const { return s.kinds[static_cast<size_t>(j)]; }
  double unit() const { return s.unit[static_cast<size_t>(j)]; }
  bool dense() const { return kind() == StateKind::kDensity; }

  /// Up to which distance two numbers are one.
  Tensor near(const Tensor& x) const { return (x.abs() * kFloatStep).clamp_min(0.49 * unit()); }

  /// Whether x [n] is one of the single values, and which.
  std::pair<Tensor, Tensor> single(const Tensor& x) const {
    const auto values = row(s.values);
    const auto close = near(x);
    const auto at = torch::searchsorted(values, (x - close).contiguous()).clamp_max(s.singles - 1);
    return {(values.index_select(0, at) - x).abs() <= close, at};
  }

  std::pair<Tensor, Tensor> find(const Tensor& x) const {
    if (!s.numeric(j)) {
      const auto state = x.round().to(torch::kInt64).clamp(0, s.states() - 1);
      return {state, torch::zeros_like(x)};
    }
    const auto [is_single, which] = single(x);
    const int64_t last = s.log_inside.size(1) - 1;
    const auto cell = place_of(row(s.knots), x);
    const auto inside = row(s.log_inside).index_select(0, cell.clamp(0, last));
    const auto beside = (snapped(x) - x).abs() > near(x) * (1.02 / 0.98);
    const auto is_inside = (cell >= 0)
                               .logical_and(cell <= last)
                               .logical_and(inside.isfinite())
                               .logical_and(beside.logical_not());
    const auto range = s.singles + cell.clamp(0, last).div(row(s.cells), "floor");
    const auto state = torch::where(
        is_single, which, torch::where(is_inside, range, torch::full_like(range, s.states() - 1)));
    // A single value of a density fills what rounds to it; 0 is a mass, as in other families.
    auto alone = torch::zeros_like(x);
    if (dense()) alone = alone.masked_fill(x != 0, -std::log(unit()));
    const auto beyond =
        log_cauchy(x, row(s.middle), row(s.reach)) + (dense() ? 0 : std::log(unit()));
    return {state, torch::where(is_single, alone, torch::where(is_inside, inside, beyond))};
  }

  /// The nearest place of the grid.
  Tensor snapped(const Tensor& x) const {
    const double step = row(s.step).item<double>(), from = row(s.origin).item<double>();
    if (step == 0) return x;
    return ((((x.to(torch::kFloat64) - from) / step).round() * step) + from).to(x.scalar_type());
  }

  Tensor on_grid(const Tensor& x) const {
    return torch::minimum(torch::maximum(snapped(x), row(s.low)), row(s.high));
  }

  /// Of a range: a cell by its rows, and uniform within; not a single value.
  Tensor within(const Tensor& range) const {
    const auto cumulated = row(s.cumulated), knots = row(s.knots);
    const auto width = row(s.cells);
    const auto first = cumulated.index_select(0, range * width);
    const auto end = cumulated.index_select(0, (range + 1) * width);
    Tensor x;
    for (int i = 0; i < kRedraws; ++i) {
      const auto u = first + (end - first) * torch::rand_like(first) * (1 - 1e-6);
      const auto cell = place_of(cumulated, u).clamp(0, s.log_inside.size(1) - 1);
      const auto low = knots.index_select(0, cell), high = knots.index_select(0, cell + 1);
      const auto drawn = on_grid(low + (high - low) * torch::rand_like(low));
      x = i == 0 ? drawn : torch::where(single(x).first, drawn, x);
      if (dense()) break;
    }
    return x;
  }

  Tensor draw(const Tensor& state) const {
    auto x = state.to(torch::kFloat32);
    if (!s.numeric(j)) return x;
    const int64_t last = s.states() - 1;
    x = row(s.values).index_select(0, state.clamp_max(s.singles - 1));
    const auto ranged = (state >= s.singles).logical_and(state < last).nonzero().flatten();
    if (ranged.numel() > 0) {
      x.index_copy_(0, ranged, within(state.index_select(0, ranged) - s.singles));
    }
    const auto beyond = (state == last).nonzero().flatten();
    if (beyond.numel() > 0) {
      const auto u = torch::rand({beyond.size(0)}) - 0.5;
      const auto far = row(s.middle) + row(s.reach) * (kHalfTurn * u).tan();
      x.index_copy_(0, beyond, on_grid(far));
    }
    return x;
  }
};

/// What stands for a column: the likeliest class, the median grade of p [..., V], or the mean.
Tensor typical_of(const StateSpace& space, int64_t column, const Tensor& p, const Tensor& mean) {
  const auto kind = space.kinds[static_cast<size_t>(column)];
  if (kind == StateKind::kClass) return p.argmax(-1).to(p.scalar_type());
  if (kind != StateKind::kGrade) return mean;
  return (p.cumsum(-1) < 0.5).sum(-1).clamp_max(space.states() - 1).to(p.scalar_type());
}

}  // namespace

std::pair<Tensor, Tensor> StateSpace::find(const Tensor& x) const {
  const auto known = x.nan_to_num(0).to(torch::kFloat32).reshape({-1, columns()});
  std::vector<Tensor> states, inside;
  for (int64_t j = 0; j < columns(); ++j) {
    const auto [state, log_p] = StateColumn{*this, j}.find(known.select(1, j));
    states.push_back(state);
    inside.push_back(log_p);
  }
  return {torch::stack(states, 1).view(x.sizes()), torch::stack(inside, 1).view(x.sizes())};
}

Tensor StateSpace::rest_share() const {
  std::vector<float> has;
  for (int64_t j = 0; j < columns(); ++j) has.push_back(numeric(j) ? 1 : 0);
  return rest * torch::tensor(has);
}

Tensor StateSpace::draw(const Tensor& states) const {
  std::vector<Tensor> x;
  for (int64_t j = 0; j < columns(); ++j) {
    x.push_back(StateColumn{*this, j}.draw(states.select(-1, j)));
  }
  return torch::stack(x, -1);
}

Tensor drawn_by(const Tensor& weights) {
  const auto sums = weights.cumsum(1);
  const auto u = torch::rand({weights.size(0), 1}, weights.options()) * sums.narrow(1, -1, 1);
  return (sums <= u).sum(1).clamp_max(weights.size(1) - 1);
}

Tensor States::log_probs() const {
  const auto among = logits.masked_fill(space->used == 0, kUnusedState).log_softmax(-1);
  const auto share = space->rest_share().unsqueeze(1);
  const auto is_rest = (torch::arange(space->states()) == space->states() - 1).view({1, -1});
  return torch::where(is_rest.logical_and(share > 0), share.clamp_min(1e-30).log(),
                      among + (-share).log1p());
}

Tensor States::log_prob(const Tensor& x) const {
  const auto [states, inside] = space->find(x);
  if (x.dim() < 3) {
    // One pass over the logits: log_probs() would write them five times.
    const auto among = logits.masked_fill(space->used == 0, kUnusedState);
    const auto at = states.unsqueeze(2).expand({std::max(x.size(0), among.size(0)), -1, -1});
    const auto all = among.expand({at.size(0), -1, -1});
    const auto own = all.gather(2, at).squeeze(2) - among.logsumexp(2);
    const auto share = space->rest_share();
    const auto is_rest = (states == space->states() - 1).logical_and(share > 0);
    return torch::where(is_rest, share.clamp_min(1e-30).log(), own + (-share).log1p()) + inside;
  }
  const auto log_p = log_probs();
  // Column by column: the n distributions of a state stand side by side.
  std::vector<Tensor> columns;
  for (int64_t j = 0; j < space->columns(); ++j) {
    const auto by_state = log_p.select(1, j).t().contiguous();  // [V, n]
    columns.push_back(by_state.index_select(0, states.select(-1, j).flatten()) +
                      inside.select(-1, j).reshape({-1, 1}));
  }
  return torch::stack(columns).permute({1, 2, 0});
}

Tensor States::sample(torch::IntArrayRef prefix) const {
  const auto p = log_probs().exp();
  auto shape = prefix.vec();
  shape.insert(shape.end(), p.sizes().begin(), p.sizes().end());
  const auto rows = p.expand(shape).reshape({-1, space->states()});
  shape.pop_back();
  return space->draw(drawn_by(rows).view({-1, space->columns()})).view(shape);
}

Tensor States::typical(const Particles& of) const {
  const auto p = log_probs().exp();
  const auto mean = of.mixed(of.within((p * space->centres).sum(-1)));
  const auto mixed = of.mixed(p);
  std::vector<Tensor> columns;
  for (int64_t j = 0; j < space->columns(); ++j) {
    columns.push_back(typical_of(*space, j, mixed.select(-2, j), mean.select(-1, j)));
  }
  return torch::stack(columns, -1);
}

Tensor States::stddev() const {
  const auto p = log_probs().exp();
  const auto mean = (p * space->centres).sum(-1);
  const auto square =
      (p * (space->spreads + (space->centres - mean.unsqueeze(-1)).square())).sum(-1);
  return square.clamp_min(0).sqrt();
}

Tensor WithinStates::own(const Tensor& of_states) const {
  return of_states.gather(1, states.to(torch::kInt64).t()).t();
}

Tensor WithinStates::log_prob(const Tensor& x) const {
  const auto [found, inside] = space->find(x);
  return inside.masked_fill(found != states, kUnusedState);
}

Tensor WithinStates::sample(torch::IntArrayRef prefix) const {
  auto shape = prefix.vec();
  shape.insert(shape.end(), states.sizes().begin(), states.sizes().end());
  const auto rows = states.expand(shape).reshape({-1, space->columns()}).to(torch::kInt64);
  return space->draw(rows).view(shape);
}

Tensor WithinStates::typical(const Particles& of) const {
  const auto mean = of.mixed(of.within(own(space->centres)));
  std::vector<Tensor> columns;
  for (int64_t j = 0; j < space->columns(); ++j) {
    // Numbers need no shares of states, of which there are many.
    const auto p =
        space->numeric(j)
            ? Tensor()
            : of.mixed(torch::one_hot(states.select(1, j).to(torch::kInt64), space->states())
                           .to(states.scalar_type()));
    columns.push_back(typical_of(*space, j, p, mean.select(-1, j)));
  }
  return torch::stack(columns, -1);
}

Tensor WithinStates::stddev() const { return own(space->spreads).clamp_min(0).sqrt(); }

}  // namespace elbo
