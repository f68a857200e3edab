#include "elbo/eval/code_particles.h"

#include <cmath>

namespace elbo {
namespace {

constexpr double kPriorShare = 0.1;  // a weight is then at most 10 p(x | z)

/// Draws with their log densities under the prior and under the other proposal, [S, B] each.
struct Draws {
  Tensor code, log_prior, log_other;
};

/// Whether a code from elsewhere can be asked for its density under the posterior.
bool is_plain(const Trace& trace) {
  if (trace.sites.size() != 1) return false;
  const auto& site = trace.sites[0];
  return site.posterior && !site.log_q.defined() && site.value.is_floating_point() &&
         site.value.is_same(trace.code);
}

Draws from_posterior(const Site& site, int64_t rows) {
  return {site.value, site.log_prior().view({-1, rows}), site.log_posterior().view({-1, rows})};
}

/// Of codes with their prior of as many rows.
Draws under_guide(const FullNormal& guide, const Tensor& code, const Dist& prior) {
  const auto rows = guide.loc.size(0);
  const auto flat = code.flatten(1).view({-1, rows, guide.loc.size(1)});
  return {code, prior->row_log_prob(code).view({-1, rows}), guide.log_prob(flat)};
}

Draws together(const Draws& a, const Draws& b) {
  return {torch::cat({a.code, b.code}), torch::cat({a.log_prior, b.log_prior}),
          torch::cat({a.log_other, b.log_other})};
}

/// [S, B] log p(z) - log r(z) of draws of which `share` came from the prior.
Tensor prior_ratio(const Draws& draws, double share) {
  const auto log_r =
      torch::logaddexp(draws.log_other + std::log1p(-share), draws.log_prior + std::log(share));
  return draws.log_prior - log_r;
}

CodeParticles weighed(Model& model, const Batch& batch, const Tensor& code, const Tensor& ratio) {
  const int64_t count = ratio.size(0);
  CodeParticles p;
  p.code = code;
  p.x = model.decode(code, tile(batch.c, count));
  const auto like = p.x->row_log_prob(tile(batch.x, count), tile(batch.mask, count));
  p.log_w = like.view({count, -1}) + ratio;
  return p;
}

/// Codes from the posterior alone.
CodeParticles unmixed(Model& model, const Batch& batch, int64_t count) {
  const auto trace = model.latent->infer(batch, count);
  const auto none = torch::zeros({trace.log_weight.size(0), batch.size()});
  auto p = weighed(model, batch, trace.code, log_ratio(trace, none) + trace.log_weight);
  p.free = false;
  return p;
}

}  // namespace

CodeParticles draw_particles(Model& model, const Batch& batch, int64_t count,
                             const FullNormal* guide) {
  const int64_t rows = batch.size();
  const auto from_prior =
      std::max<int64_t>(count > 3, std::lround(kPriorShare * static_cast<double>(count)));
  if (from_prior == 0) return unmixed(model, batch, count);
  const auto posterior = model.latent->infer(batch, guide ? from_prior : count - from_prior);
  if (!is_plain(posterior)) return unmixed(model, batch, count);
  const auto& site = posterior.sites[0];
  const auto drawn = model.latent->generate(from_prior * rows, tile(batch.c, from_prior)).sites[0];
  Draws prior, other;
  if (guide) {
    const int64_t from_guide = count - from_prior;
    auto shape = site.value.sizes().vec();
    shape[0] = from_guide * rows;
    const auto code = guide->sample({from_guide}).reshape(shape);
    const auto own = model.latent->generate(from_guide * rows, tile(batch.c, from_guide)).sites[0];
    prior = under_guide(*guide, drawn.value, drawn.prior);
    other = under_guide(*guide, code, own.prior);
  } else {
    // The same posterior with as many rows as the prior's draws.
    const auto same = model.latent->infer(batch, from_prior).sites[0].posterior;
    prior = {drawn.value, drawn.log_prior().view({-1, rows}),
             same->row_log_prob(drawn.value).view({-1, rows})};
    other = from_posterior(site, rows);
  }
  const auto all = together(other, prior);
  const double share = static_cast<double>(from_prior) / static_cast<double>(count);
  return weighed(model, batch, all.code, prior_ratio(all, share));
}

Tensor effective_draws(const Tensor& log_w) { return 1 / log_w.softmax(0).square().sum(0); }

CodeParticles particles_of(const CodeParticles& all, const Tensor& rows) {
  CodeParticles some;
  const int64_t count = all.log_w.size(0);
  auto shape = all.code.sizes().vec();
  shape[0] = all.log_w.size(1);
  shape.insert(shape.begin(), count);
  some.code = all.code.reshape(shape).index_select(1, rows).flatten(0, 1);
  some.log_w = all.log_w.index_select(1, rows);
  some.free = all.free;
  return some;
}

Tensor resampled(const CodeParticles& particles, int64_t count) {
  const int64_t rows = particles.log_w.size(1);
  const auto mass = particles.log_w.softmax(0).cumsum(0).t().contiguous();  // [B, S]
  const auto strata = (torch::arange(count) + torch::rand({rows, count})) / count;
  const auto at = strata.gather(1, std::get<1>(torch::rand_like(strata).sort(1)));
  const auto which = torch::searchsorted(mass, at).clamp_max(mass.size(1) - 1);  // [B, count]
  const auto place = which.t() * rows + torch::arange(rows);
  return particles.code.index_select(0, place.flatten());
}

FullNormal guide_of(const CodeParticles& particles) {
  const int64_t count = particles.log_w.size(0), rows = particles.log_w.size(1);
  const auto z = particles.code.flatten(1).view({count, rows, -1}).to(torch::kFloat64);
  const int64_t d = z.size(2);
  // The largest power of the weights, of those tried, under which enough particles count.
  const double enough =
      std::min(2.0 * static_cast<double>(d) + 2, 0.25 * static_cast<double>(count));
  const auto log_w = particles.log_w.to(torch::kFloat64);
  auto power = torch::ones({rows}, torch::kFloat64);
  constexpr int kHalvings = 12;
  for (int i = 0; i < kHalvings; ++i) {
    const auto counted = effective_draws(log_w * power);
    power = torch::where(counted < enough, power * 0.5, power);
  }
  const auto w = (log_w * power).softmax(0).unsqueeze(2);  // [S, B, 1]
  const auto mean = (w * z).sum(0);
  const auto away = (z - mean) * w.sqrt();
  auto covariance = torch::einsum("sbi,sbj->bij", {away, away});
  const auto spread = covariance.diagonal(0, -2, -1).mean(-1).clamp_min(1e-8);
  constexpr double kJitter = 0.02;  // also what the next round may look around
  covariance =
      covariance + (kJitter * spread).view({-1, 1, 1}) * torch::eye(d, covariance.options());
  const auto factor = torch::linalg_cholesky(covariance);
  return {mean.to(torch::kFloat32), factor.to(torch::kFloat32)};
}

}  // namespace elbo
