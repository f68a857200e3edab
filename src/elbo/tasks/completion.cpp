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

constexpr int64_t kParticleRows = 1 << 14;  // decoder rows at a time
constexpr double kPriorShare = 0.25;        // of the particles; a weight is then at most 4 p(x | z)

/// Codes of S particles for each row, and what weighs them beside p(x | z).
struct Proposals {
  Tensor code;   // [S*B, …]
  Tensor log_w;  // [S, B] log p(z) - log r(z)
};

/// Whether a draw from elsewhere can be asked for its density under the posterior.
bool mixes_with_prior(const Trace& trace) {
  if (trace.sites.size() != 1) return false;
  const auto& site = trace.sites[0];
  return site.posterior && !site.log_q.defined() && site.value.is_floating_point() &&
         site.value.is_same(trace.code);
}

Tensor log_prior_ratio(const Trace& trace, int64_t rows) {
  return log_ratio(trace, torch::zeros({trace.log_weight.size(0), rows})) + trace.log_weight;
}

Proposals draw_codes(Model& model, const Batch& batch, int64_t particles) {
  const int64_t rows = batch.size();
  const auto from_prior = static_cast<int64_t>(kPriorShare * static_cast<double>(particles));
  const auto drawn = model.latent->infer(batch, std::max<int64_t>(1, particles - from_prior));
  if (from_prior == 0 || !mixes_with_prior(drawn)) {
    if (from_prior == 0) return {drawn.code, log_prior_ratio(drawn, rows)};
    const auto all = model.latent->infer(batch, particles);
    return {all.code, log_prior_ratio(all, rows)};
  }
  const auto& own = drawn.sites[0];
  const auto prior = model.latent->generate(from_prior * rows, tile(batch.c, from_prior)).sites[0];
  // The same posterior with as many rows as the prior's draws.
  const auto posterior = model.latent->infer(batch, from_prior).sites[0].posterior;
  const auto log_q = torch::cat({own.log_posterior().view({-1, rows}),
                                 posterior->row_log_prob(prior.value).view({-1, rows})});
  const auto log_p =
      torch::cat({own.log_prior().view({-1, rows}), prior.log_prior().view({-1, rows})});
  const double share = static_cast<double>(from_prior) / static_cast<double>(particles);
  const auto log_r = torch::logaddexp(log_q + std::log1p(-share), log_p + std::log(share));
  return {torch::cat({own.value, prior.value}), log_p - log_r};
}

Completion complete_once(Model& model, const Batch& batch, const Bounds& bounds,
                         const CompletionPlan& plan, int64_t particles);

/// The parts of a completion that rows have, in a list.
std::vector<std::pair<Tensor*, int64_t>> parts_of(Completion& c) {
  return {{&c.value, 0}, {&c.draws, 1}, {&c.low, 0}, {&c.high, 0}, {&c.effective, 0}};
}

/// In blocks of rows, so that the decoder has no more than kParticleRows at a time.
Completion complete_in_blocks(Model& model, const Batch& batch, const Bounds& bounds,
                              const CompletionPlan& plan, int64_t particles) {
  const int64_t block = std::max<int64_t>(1, kParticleRows / particles);
  if (batch.size() <= block) return complete_once(model, batch, bounds, plan, particles);
  std::vector<Completion> all;
  for (int64_t from = 0; from < batch.size(); from += block) {
    const auto part = slice(batch, from, std::min(batch.size(), from + block));
    all.push_back(complete_once(model, part, bounds, plan, particles));
  }
  Completion out;
  const auto whole = parts_of(out);
  for (size_t k = 0; k < whole.size(); ++k) {
    std::vector<Tensor> pieces;
    for (auto& one : all) pieces.push_back(*parts_of(one)[k].first);
    if (pieces[0].defined()) *whole[k].first = torch::cat(pieces, whole[k].second);
  }
  return out;
}

}  // namespace

bool ends_block(int64_t rows, int64_t incomplete, const CompletionPlan& plan) {
  return rows >= kParticleRows ||
         incomplete >= std::max<int64_t>(1, kParticleRows / plan.particles);
}

Completion complete(Model& model, const Batch& batch, const std::vector<Column>& columns,
                    const CompletionPlan& plan) {
  torch::NoGradGuard no_gradient;
  const Bounds bounds(columns);
  auto out = complete_in_blocks(model, batch, bounds, plan, plan.particles);
  for (const int64_t more : {4, 16}) {
    const auto few = (out.effective < kFewDraws).nonzero().flatten();
    if (few.size(0) == 0) break;
    auto again = complete_in_blocks(model, pick(batch, few), bounds, plan, more * plan.particles);
    const auto whole = parts_of(out), part = parts_of(again);
    for (size_t k = 0; k < whole.size(); ++k) {
      if (part[k].first->defined())
        whole[k].first->index_copy_(whole[k].second, few, *part[k].first);
    }
  }
  return out;
}

namespace {

Completion complete_once(Model& model, const Batch& batch, const Bounds& bounds,
                         const CompletionPlan& plan, int64_t particles) {
  const auto proposals = draw_codes(model, batch, particles);
  const int64_t count = proposals.log_w.size(0);
  const auto decoded = model.decode(proposals.code, tile(batch.c, count));
  const auto like = decoded->row_log_prob(tile(batch.x, count), tile(batch.mask, count));
  const auto log_w = like.view({count, -1}) + proposals.log_w;  // [S, B]
  const auto w = log_w.softmax(0);
  const auto& dist = *decoded;
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

}  // namespace
}  // namespace elbo
