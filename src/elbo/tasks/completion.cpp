#include "elbo/tasks/completion.h"

#include <algorithm>
#include <cmath>

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

}  // namespace

bool ends_block(int64_t rows, int64_t incomplete, const CompletionPlan& plan) {
  constexpr int64_t kParticleRows = 1 << 14;  // decoder rows at a time
  return rows >= kParticleRows ||
         incomplete >= std::max<int64_t>(1, kParticleRows / plan.particles);
}

Completion complete(Model& model, const Batch& batch, const std::vector<Column>& columns,
                    const CompletionPlan& plan) {
  torch::NoGradGuard no_gradient;
  const Bounds bounds(columns);
  const auto inference = model.infer(batch, plan.particles);
  const auto log_w = log_ratio(inference, batch) + inference.trace.log_weight;  // [S, B]
  const auto w = log_w.softmax(0);
  const auto& dist = *inference.x;
  Completion out;
  out.value = dist.typical({w, bounds.low, bounds.high});
  out.effective = 1 / w.square().sum(0);

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
  if (plan.interval > 0) {
    std::vector<Tensor> draws;
    for (int64_t i = 0; i < kDrawsPerParticle; ++i) draws.push_back(draw());
    const auto [sorted, order] = torch::cat(draws).sort(0);
    const auto weights = w.repeat({kDrawsPerParticle, 1}).unsqueeze(2).expand_as(sorted);
    const auto cumulated = weights.gather(0, order).cumsum(0) / kDrawsPerParticle;
    const double outside = 0.5 * (1 - plan.interval);
    out.low = quantile(sorted, cumulated, outside);
    out.high = quantile(sorted, cumulated, 1 - outside);
  }
  return out;
}

}  // namespace elbo
