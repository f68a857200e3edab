#include "elbo/eval/completion.h"

#include <algorithm>
#include <cmath>

#include "elbo/eval/code_particles.h"
#include "elbo/model/refinement.h"

namespace elbo {
namespace {

constexpr int64_t kDrawsPerParticle = 8;  // for intervals

/// Values of numeric columns stay within what has been observed.
struct Bounds {
  Tensor low, high;  // [D]
  explicit Bounds(const std::vector<Column>& columns) {
    std::vector<float> from, to;
    for (const auto& c : columns) {
      const bool bounded = c.numeric() && c.low <= c.high;
      const double least = c.numeric() ? -INFINITY : 0;
      const double most = c.numeric() ? INFINITY : static_cast<double>(c.classes.size()) - 1;
      from.push_back(static_cast<float>(bounded ? c.low - c.origin : least));
      to.push_back(static_cast<float>(bounded ? c.high - c.origin : most));
    }
    low = torch::tensor(from);
    high = torch::tensor(to);
  }
  Tensor operator()(const Tensor& x) const { return torch::minimum(torch::maximum(x, low), high); }
};

/// Weighted quantiles over the first axis: x [N, B, D], w [N, B] with sum 1 -> [B, D].
Tensor quantile(const Tensor& sorted, const Tensor& cumulated, double level) {
  const auto at = (cumulated < level).sum(0, true).clamp_max(sorted.size(0) - 1);
  return sorted.gather(0, at).squeeze(0);
}

/// The mass of the smallest central interval of weighted draws that holds the truth [B, D].
Tensor level_of(const Tensor& sorted, const Tensor& cumulated, const Tensor& truth) {
  const auto last = sorted.size(0) - 1;
  const auto mass_up_to = [&](const Tensor& count) {  // of so many draws from below
    const auto mass = cumulated.gather(0, (count - 1).clamp(0, last));
    return mass.masked_fill(count == 0, 0).squeeze(0);
  };
  const auto below = mass_up_to((sorted < truth).sum(0, true));
  const auto within = mass_up_to((sorted <= truth).sum(0, true));
  return torch::maximum(1 - 2 * within, 2 * below - 1).clamp(0, 1);
}

bool wants(const Tensor& fills, Fill fill) {
  return fills.defined() && (fills[0] == static_cast<double>(fill)).any().item<bool>();
}

/// The values of a completion as planned.
Tensor filled(const Completion& found, const Tensor& fills) {
  auto value = found.value;
  if (wants(fills, Fill::kMedian)) {
    value = torch::where(fills[0] == static_cast<double>(Fill::kMedian), found.median, value);
  }
  if (wants(fills, Fill::kConstant)) {
    value = torch::where(fills[0] == static_cast<double>(Fill::kConstant),
                         fills[1].to(value.scalar_type()), value);
  }
  return value;
}

constexpr int64_t kParticleRows = 1 << 14;  // decoder rows at a time
constexpr int64_t kMore = 4;                // times the codes, for rows whose weights lie on few

Completion completion_of(const CodeParticles& particles, const Bounds& bounds,
                         const CompletionPlan& plan, const Tensor& truth) {
  const auto w = particles.log_w.softmax(0);  // [S, B]
  const auto& dist = *particles.x;
  Completion out;
  out.value = dist.typical({w, bounds.low, bounds.high});
  out.effective = effective_draws(particles.log_w);

  const int64_t s = w.size(0), b = w.size(1);
  const auto draw = [&] { return bounds(dist.sample()).view({s, b, -1}); };
  if (plan.draws > 0) {
    const auto which = torch::multinomial(w.t().contiguous(), plan.draws, true).t();  // [m, B]
    std::vector<Tensor> draws;
    for (int64_t i = 0; i < plan.draws; ++i) {
      const auto at = which[i].view({1, b, 1}).expand({1, b, bounds.low.size(0)});
      draws.push_back(draw().gather(0, at));
    }
    out.draws = torch::cat(draws);
  }
  if (plan.interval > 0 || truth.defined() || wants(plan.fills, Fill::kMedian)) {
    std::vector<Tensor> draws;
    for (int64_t i = 0; i < kDrawsPerParticle; ++i) draws.push_back(draw());
    const auto [sorted, order] = torch::cat(draws).sort(0);
    const auto weights = w.repeat({kDrawsPerParticle, 1}).unsqueeze(2).expand_as(sorted);
    const auto cumulated = weights.gather(0, order).cumsum(0) / kDrawsPerParticle;
    const double outside = 0.5 * (1 - plan.interval);
    out.median = quantile(sorted, cumulated, 0.5);
    out.low = quantile(sorted, cumulated, outside);
    out.high = quantile(sorted, cumulated, 1 - outside);
    if (truth.defined()) out.level = level_of(sorted, cumulated, truth);
  }
  out.value = filled(out, plan.fills);
  return out;
}

/// Rows whose weights lie on few codes: more codes, each round from where those before counted.
Completion complete_again(Model& model, const Batch& batch, const Bounds& bounds,
                          const CompletionPlan& plan, const Tensor& truth) {
  constexpr int64_t kRounds = 3;
  const Refinement refined(model, batch, plan.refine);
  auto particles = draw_particles(model, batch, kMore * plan.particles);
  for (int64_t round = 0; round < kRounds && particles.free; ++round) {
    const auto guide = guide_of(particles);
    particles = draw_particles(model, batch, kMore * plan.particles, &guide);
  }
  return completion_of(particles, bounds, plan, truth);
}

/// Puts the parts that rows have in place of those of the rows `at`.
void replace(Completion& whole, const Completion& part, const Tensor& at) {
  whole.value.index_copy_(0, at, part.value);
  whole.effective.index_copy_(0, at, part.effective);
  if (part.draws.defined()) whole.draws.index_copy_(1, at, part.draws);
  if (part.median.defined()) whole.median.index_copy_(0, at, part.median);
  if (part.level.defined()) whole.level.index_copy_(0, at, part.level);
  if (!part.low.defined()) return;
  whole.low.index_copy_(0, at, part.low);
  whole.high.index_copy_(0, at, part.high);
}

/// Rows whose decoder outputs fit into bounded memory: some likelihoods read hundreds of numbers a
/// column.
int64_t rows_in_memory(const Model& model, int64_t particles) {
  constexpr int64_t kOutputs = int64_t{1} << 24;
  return std::max<int64_t>(1, kOutputs / (particles * numel(model.likelihood->input())));
}

Completion joined(const std::vector<Completion>& parts) {
  const auto of = [&](Tensor Completion::*field, int64_t axis) {
    std::vector<Tensor> list;
    for (const auto& part : parts) list.push_back(part.*field);
    return list.front().defined() ? torch::cat(list, axis) : Tensor();
  };
  Completion all;
  for (const auto field : {&Completion::value, &Completion::median, &Completion::low,
                           &Completion::high, &Completion::level, &Completion::effective}) {
    all.*field = of(field, 0);
  }
  all.draws = of(&Completion::draws, 1);
  return all;
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
  auto out = completion_of(first(), bounds, plan, truth);
  const auto few = (out.effective < kFewDraws).nonzero().flatten();
  const int64_t block = std::max<int64_t>(1, kParticleRows / (kMore * plan.particles));
  for (int64_t from = 0; from < few.size(0); from += block) {
    const auto at = few.slice(0, from, std::min(few.size(0), from + block));
    const auto truth_at = truth.defined() ? truth.index_select(0, at) : truth;
    replace(out, complete_again(model, pick(batch, at), bounds, plan, truth_at), at);
  }
  return out;
}

}  // namespace elbo
