#include "elbo/eval/completion.h"

#include <algorithm>
#include <cmath>

#include "elbo/eval/code_particles.h"
#include "elbo/model/refinement.h"

namespace elbo {
namespace {

/// Values of numeric columns stay within what has been observed.
struct Bounds {
  Tensor low, high;  // [D]
  Tensor numeric;    // [D] bool
  explicit Bounds(const std::vector<Column>& columns) {
    std::vector<float> from, to;
    std::vector<uint8_t> numbers;
    for (const auto& c : columns) {
      numbers.push_back(c.numeric());
      const bool bounded = c.numeric() && c.low <= c.high;
      const double least = c.numeric() ? -INFINITY : 0;
      const double most = c.numeric() ? INFINITY : static_cast<double>(c.classes.size()) - 1;
      from.push_back(static_cast<float>(bounded ? c.low - c.origin : least));
      to.push_back(static_cast<float>(bounded ? c.high - c.origin : most));
    }
    low = torch::tensor(from);
    high = torch::tensor(to);
    numeric = torch::tensor(numbers).to(torch::kBool);
  }
  Tensor operator()(const Tensor& x) const { return torch::minimum(torch::maximum(x, low), high); }
};

bool wants(const Tensor& fills, Fill fill) {
  return fills.defined() && (fills[0] == static_cast<double>(fill)).any().item<bool>();
}

/// Draws of some cells, sorted.
class CellDraws {
 public:
  /// `cells`: places in [B, D] flattened. Codes by the particles' weights, of each so many draws.
  CellDraws(Model& model, const Batch& batch, const CodeParticles& particles, const Bounds& bounds,
            const Tensor& cells, int64_t codes, int64_t times)
      : cells_(cells) {
    const int64_t columns = bounds.low.size(0);
    const auto [rows, of_row, counts] =
        at::_unique2(cells.floor_divide(columns), /*sorted=*/true, /*return_inverse=*/true);
    const auto column = cells.remainder(columns);
    const auto wanted = torch::zeros({columns}, torch::kBool).index_fill_(0, column, true);
    const auto place = of_row * columns + column;
    const auto c = batch.c.defined() ? batch.c.index_select(0, rows) : batch.c;
    const auto x = model.decode(resampled(particles_of(particles, rows), codes), tile(c, codes));
    std::vector<Tensor> draws;
    for (int64_t i = 0; i < times; ++i) {
      const auto all = bounds(x->sample_columns(wanted)).view({codes, -1});
      draws.push_back(all.index_select(1, place));
    }
    sorted_ = std::get<0>(torch::cat(draws).sort(0));
  }

  /// `values` [B, D] with a quantile of the draws in the place of these cells.
  Tensor quantile(const Tensor& values, double level) const {
    const auto n = static_cast<double>(sorted_.size(0));
    const auto at = static_cast<int64_t>(std::clamp(std::ceil(level * n) - 1, 0.0, n - 1));
    return put(values, sorted_[at]);
  }

  /// [B, D]: the mass of the smallest central interval of the draws that holds the truth.
  Tensor level_of(const Tensor& truth) const {
    const auto x = truth.flatten().index_select(0, cells_).to(sorted_.scalar_type());
    const auto n = static_cast<double>(sorted_.size(0));
    const auto below = (sorted_ < x).sum(0) / n, within = (sorted_ <= x).sum(0) / n;
    return put(torch::zeros_like(truth, sorted_.options()),
               torch::maximum(1 - 2 * within, 2 * below - 1).clamp(0, 1));
  }

 private:
  Tensor put(const Tensor& values, const Tensor& these) const {
    return values.flatten().index_copy(0, cells_, these.to(values.scalar_type())).view_as(values);
  }

  Tensor cells_, sorted_;  // [C]; [draws, C]
};

/// The hidden cells that are drawn: of numbers for intervals and where the truth is to be found
/// among the draws, of other columns where their median fills them.
Tensor drawn_cells(const Batch& batch, const Bounds& bounds, const CompletionPlan& plan,
                   bool judged) {
  if (!batch.mask.defined()) return torch::zeros({0}, torch::kInt64);
  auto wanted = torch::zeros({bounds.low.size(0)}, torch::kBool);
  if (judged || plan.interval > 0) wanted = wanted | bounds.numeric;
  if (wants(plan.fills, Fill::kMedian)) {
    wanted = wanted | (plan.fills[0] == static_cast<double>(Fill::kMedian));
  }
  return ((batch.mask == 0) & wanted).flatten().nonzero().flatten();
}

/// The values of a completion as planned.
Tensor filled(const Completion& found, const Tensor& fills) {
  auto value = found.value;
  if (!fills.defined()) return value;
  const auto is = [&](Fill fill) { return fills[0] == static_cast<double>(fill); };
  const auto constant = fills[1].to(value.scalar_type());
  if (wants(fills, Fill::kMedian)) value = torch::where(is(Fill::kMedian), found.median, value);
  if (fills.size(0) > 2) {
    const auto weight = fills[2].to(value.scalar_type());
    value = torch::where(weight < 1, constant + weight * (value - constant), value);
  }
  return torch::where(is(Fill::kConstant), constant, value);
}

constexpr int64_t kParticleRows = 1 << 14;  // decoder rows at a time
constexpr int64_t kDrawRounds = 4;          // of further draws
constexpr int64_t kMore = 4;                // times the codes, in the last of them

/// [draws, B, D], so many codes at a time as the particles are.
Tensor draws_of(Model& model, const Batch& batch, const CodeParticles& particles,
                const Bounds& bounds, const CompletionPlan& plan) {
  std::vector<Tensor> draws;
  for (int64_t done = 0; done < plan.draws; done += plan.particles) {
    const auto count = std::min(plan.particles, plan.draws - done);
    const auto x = model.decode(resampled(particles, count), tile(batch.c, count));
    draws.push_back(bounds(x->sample()).view({count, batch.size(), -1}));
  }
  return torch::cat(draws);
}

/// Of those rows of a batch whose places `which` names.
Completion completion_of(Model& model, const CodeParticles& all, const Batch& rows,
                         const Tensor& which, const Bounds& bounds, const CompletionPlan& plan,
                         const Tensor& all_truth) {
  const auto particles = particles_of(all, which);
  const auto batch = pick(rows, which);
  const auto truth = all_truth.defined() ? all_truth.index_select(0, which) : all_truth;
  Completion out;
  out.value =
      all.x->typical({all.log_w.softmax(0), bounds.low, bounds.high}).index_select(0, which);
  out.effective = effective_draws(particles.log_w);
  if (plan.draws > 0) out.draws = draws_of(model, batch, particles, bounds, plan);
  const bool ends = plan.interval > 0 || truth.defined();
  if (ends || wants(plan.fills, Fill::kMedian)) {
    out.median = out.low = out.high = out.value;
    if (truth.defined()) out.level = torch::zeros_like(out.value);
  }
  const auto cells = drawn_cells(batch, bounds, plan, truth.defined());
  if (cells.size(0) > 0) {
    // The ends of an interval are of many draws, a middle of few.
    constexpr int64_t kOfEnds = 8, kOfMiddle = 64;
    const CellDraws draws(model, batch, particles, bounds, cells,
                          ends ? plan.particles : std::min(plan.particles, kOfMiddle),
                          ends ? kOfEnds : 1);
    const double outside = 0.5 * (1 - plan.interval);
    out.median = draws.quantile(out.value, 0.5);
    out.low = draws.quantile(out.value, outside);
    out.high = draws.quantile(out.value, 1 - outside);
    if (truth.defined()) out.level = draws.level_of(truth);
  }
  out.value = filled(out, plan.fills);
  return out;
}

/// Codes for rows whose weights lie on few of those before, from where these counted; the later
/// rounds draw more. Latents of several parts are drawn for once more.
CodeParticles drawn_again(Model& model, const Batch& rows, const CodeParticles& before,
                          const CompletionPlan& plan, int64_t round) {
  if (before.free) {
    const auto guide = guide_of(before);
    return draw_particles(model, rows, plan.particles * (2 * round < kDrawRounds ? 1 : kMore),
                          &guide);
  }
  const Refinement refined(model, rows, plan.refine);
  return draw_particles(model, rows, plan.particles * kMore);
}

/// Rows whose decoder outputs fit into bounded memory: some likelihoods read hundreds of numbers a
/// column.
int64_t rows_in_memory(const Model& model, int64_t particles) {
  constexpr int64_t kOutputs = int64_t{1} << 24;
  return std::max<int64_t>(1, kOutputs / (kMore * particles * numel(model.likelihood->input())));
}

/// f(values, axis of rows) of each part that a completion has.
template <class F>
Completion each_part(F f) {
  Completion all;
  for (const auto field : {&Completion::value, &Completion::median, &Completion::low,
                           &Completion::high, &Completion::level, &Completion::effective}) {
    all.*field = f(field, 0);
  }
  all.draws = f(&Completion::draws, 1);
  return all;
}

Completion joined(const std::vector<Completion>& parts) {
  return each_part([&](Tensor Completion::*field, int64_t axis) {
    std::vector<Tensor> list;
    for (const auto& part : parts) list.push_back(part.*field);
    return list.front().defined() ? torch::cat(list, axis) : Tensor();
  });
}

Completion in_order(const Completion& found, const Tensor& rows) {
  return each_part([&](Tensor Completion::*field, int64_t axis) {
    const auto& part = found.*field;
    return part.defined() ? part.index_select(axis, rows) : part;
  });
}

}  // namespace

int64_t rows_in_block(const CompletionPlan& plan) {
  return std::max<int64_t>(1, kParticleRows / plan.particles);
}

bool ends_block(int64_t rows, int64_t incomplete, const CompletionPlan& plan) {
  return rows >= kParticleRows || incomplete >= rows_in_block(plan);
}

Completion complete(Model& model, const Batch& batch, const std::vector<Column>& columns,
                    const CompletionPlan& plan, const Tensor& truth) {
  torch::NoGradGuard no_gradient;
  const auto& fills = plan.fills;
  check(!fills.defined() || (fills.dim() == 2 && fills.size(0) >= 2 &&
                             fills.size(1) == static_cast<int64_t>(columns.size())),
        "[impute] the kept ways to fill do not fit the columns; remove kept.safetensors from the "
        "run");
  if (const auto most = rows_in_memory(model, plan.particles); batch.size() > most) {
    std::vector<Completion> parts;
    for (int64_t from = 0; from < batch.size(); from += most) {
      const auto to = std::min(batch.size(), from + most);
      parts.push_back(complete(model, slice(batch, from, to), columns, plan,
                               truth.defined() ? truth.slice(0, from, to) : truth));
    }
    return joined(parts);
  }
  const Bounds bounds(columns);
  const auto first = [&] {
    const Refinement refined(model, batch, plan.refine);
    return draw_particles(model, batch, plan.particles);
  };
  auto particles = first();
  auto at = torch::arange(batch.size());  // rows that are open
  std::vector<Completion> parts;
  std::vector<Tensor> order;
  for (int64_t round = 0;; ++round) {
    const auto rows = pick(batch, at);
    const bool last = round == (particles.free ? kDrawRounds : 1);
    const auto few = effective_draws(particles.log_w) < (last ? 0 : kFewDraws);
    const auto done = few.logical_not().nonzero().flatten(), open = few.nonzero().flatten();
    if (done.size(0) > 0) {
      const auto known = truth.defined() ? truth.index_select(0, at) : truth;
      parts.push_back(completion_of(model, particles, rows, done, bounds, plan, known));
      order.push_back(at.index_select(0, done));
    }
    if (open.size(0) == 0) break;
    at = at.index_select(0, open);
    particles = drawn_again(model, pick(batch, at), particles_of(particles, open), plan, round);
  }
  return in_order(joined(parts), std::get<1>(torch::cat(order).sort()));
}

}  // namespace elbo
