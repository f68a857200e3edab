#include "elbo/eval/annealed.h"

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <map>
#include <vector>

#include "elbo/model/only_read.h"
#include "elbo/model/site_values.h"

namespace elbo {
namespace {

constexpr double kWantedAcceptance = 0.65, kFirstStep = 0.3, kStepFactor = 1.1;

using Places = std::vector<Tensor>;  // of each site, [S*B, …]

/// infer() at given values.
class GivenSites : public SiteValues {
 public:
  explicit GivenSites(const std::map<std::string, Tensor>& z) : z_(z) {}
  Tensor inferred(const std::string& site, const Dist&, const Dist&) override {
    return z_.at(site);
  }

 private:
  const std::map<std::string, Tensor>& z_;
};

/// The two ends of the path at some places, [S*B] each.
struct Ends {
  Tensor posterior, joint;
  Tensor at(double beta) const { return posterior * (1 - beta) + joint * beta; }
};

/// Chains of all rows of a batch.
class Chains {
 public:
  Chains(Model& model, const Batch& batch, const AnnealedOptions& options)
      : model_(model),
        batch_(batch),
        o_(options),
        wide_x_(tile(batch.x, options.chains)),
        wide_mask_(tile(batch.mask, options.chains)) {
    const auto trace = model.latent->infer(batch, o_.chains);
    check(trace.log_weight.size(0) == o_.chains && !trace.extra.defined(),
          "[ais] posterior: that of this model is not one of continuous values alone");
    for (const auto& site : trace.sites) {
      const auto deviation = site.posterior ? site.posterior->stddev() : Tensor();
      check(deviation.defined() && site.posterior->reparameterized() &&
                deviation.sizes() == site.value.sizes(),
            "[ais] ", site.name, ": its posterior has no deviation of each number");
      names_.push_back(site.name);
      z_.push_back(site.value);
      scale_.push_back(mean_over_chains(deviation));
    }
  }

  const Places& scale() const { return scale_; }

  /// Runs all temperatures; steps [temperatures - 1, B] are read where they are given, else found.
  /// Returns [S, B] log weights.
  Tensor run(Tensor& steps, const Places& scale) {
    const bool finds = !steps.defined();
    const int64_t moves = o_.temperatures - 1, rows = batch_.size();
    if (finds) steps = torch::empty({std::max<int64_t>(moves, 1), rows});
    auto step = torch::full({rows}, kFirstStep);
    auto weight = torch::zeros({o_.chains * rows});
    for (int64_t t = 1; t <= o_.temperatures; ++t) {
      const auto here = ends(z_);
      weight = weight + (beta_of(t) - beta_of(t - 1)) * (here.joint - here.posterior);
      if (t == o_.temperatures) break;
      if (!finds) step = steps[t - 1];
      const auto accepted = move(beta_of(t), step, scale);
      if (!finds) continue;
      steps[t - 1].copy_(step);
      step = step * torch::where(accepted > kWantedAcceptance, torch::full_like(step, kStepFactor),
                                 torch::full_like(step, 1 / kStepFactor));
    }
    return weight.view({o_.chains, rows});
  }

 private:
  double beta_of(int64_t t) const {
    // Slow where the ends are left and reached.
    const double share = static_cast<double>(t) / static_cast<double>(o_.temperatures);
    return 0.5 - 0.5 * std::cos(share * M_PI);
  }

  Tensor mean_over_chains(const Tensor& x) const {
    auto shape = x.sizes().vec();
    shape[0] = batch_.size();
    return tile(x.view({o_.chains, -1}).mean(0).view(shape), o_.chains);
  }

  Ends ends(const Places& z) {
    std::map<std::string, Tensor> values;
    for (size_t i = 0; i < names_.size(); ++i) values[names_[i]] = z[i];
    const GivenSites given(values);
    const auto trace = model_.latent->infer(batch_, o_.chains);
    Ends ends{torch::zeros({wide_x_.size(0)}), Tensor()};
    const auto p = model_.decode(trace.code, tile(batch_.c, o_.chains));
    ends.joint = p->row_log_prob(wide_x_, wide_mask_);
    for (const auto& site : trace.sites) {
      ends.posterior = ends.posterior + site.log_posterior();
      ends.joint = ends.joint + site.log_prior();
    }
    return ends;
  }

  /// log f_beta [S*B] and its gradient.
  std::pair<Tensor, Places> slope(const Places& z, double beta) {
    torch::AutoGradMode with_gradient(true);
    Places at;
    for (const auto& one : z) at.push_back(one.detach().requires_grad_(true));
    const auto log_f = ends(at).at(beta);
    const auto gradient = torch::autograd::grad({log_f.sum()}, at);
    return {log_f.detach(), {gradient.begin(), gradient.end()}};
  }

  static Tensor per_row(const Tensor& row, const Tensor& like) {
    Shape shape(static_cast<size_t>(like.dim()), 1);
    shape[0] = row.size(0);
    return row.view(shape);
  }

  static Tensor energy(const Places& momentum) {
    Tensor sum;
    for (const auto& p : momentum) {
      const auto own = 0.5 * p.square().flatten(1).sum(1);
      sum = sum.defined() ? sum + own : own;
    }
    return sum;
  }

  /// One Hamiltonian move of all chains; the share that each row accepts, [B].
  Tensor move(double beta, const Tensor& step, const Places& scale) {
    const auto wide = tile(step, o_.chains);
    Places z = z_, momentum;
    for (const auto& one : z) momentum.push_back(torch::randn_like(one));
    auto [log_f, gradient] = slope(z, beta);
    const auto before = log_f - energy(momentum);
    const auto push = [&](double share) {
      for (size_t i = 0; i < z.size(); ++i) {
        momentum[i] = momentum[i] + share * per_row(wide, z[i]) * scale[i] * gradient[i];
      }
    };
    for (int64_t leap = 0; leap < o_.leaps; ++leap) {
      push(0.5);
      for (size_t i = 0; i < z.size(); ++i) {
        z[i] = z[i] + per_row(wide, z[i]) * scale[i] * momentum[i];
      }
      std::tie(log_f, gradient) = slope(z, beta);
      push(0.5);
    }
    const auto gain = (log_f - energy(momentum) - before).nan_to_num(-INFINITY);
    const auto takes = torch::rand_like(gain).log() < gain;
    for (size_t i = 0; i < z.size(); ++i) {
      z_[i] = torch::where(per_row(takes, z[i]), z[i], z_[i]);
    }
    return takes.to(torch::kFloat32).view({o_.chains, -1}).mean(0);
  }

  Model& model_;
  const Batch& batch_;
  const AnnealedOptions& o_;
  const Tensor wide_x_, wide_mask_;
  std::vector<std::string> names_;
  Places z_, scale_;
};

}  // namespace

Tensor annealed_log_prob(Model& model, const Batch& batch, const AnnealedOptions& options) {
  torch::NoGradGuard no_gradient;
  const OnlyRead scope(model);
  Tensor steps;
  Chains before(model, batch, options);
  before.run(steps, before.scale());
  Chains counted(model, batch, options);
  const auto weights = counted.run(steps, before.scale());
  return weights.logsumexp(0) - std::log(static_cast<double>(options.chains));
}

}  // namespace elbo
