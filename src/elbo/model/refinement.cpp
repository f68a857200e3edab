#include "elbo/model/refinement.h"

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <vector>

#include "elbo/core/random.h"
#include "elbo/model/only_read.h"

namespace elbo {
namespace {

// Adam, whose rate falls to a hundredth; features of posteriors are numbers around one.
constexpr double kRefiningRate = 0.05, kLastShare = 0.01, kFirstMoment = 0.9, kSecondMoment = 0.999,
                 kTiny = 1e-8;
constexpr int64_t kRefiningDraws = 4, kComparingDraws = 32;

Refinement*& current_refinement() {
  static thread_local Refinement* current = nullptr;
  return current;
}

/// [B] ELBO of each row, by so many draws.
Tensor row_bound(Model& model, const Batch& batch, int64_t draws) {
  const auto inference = model.infer(batch, draws);
  const auto each = log_likelihood(inference, batch) - kl(inference.trace, batch.size());
  return (each * inference.trace.log_weight.exp()).sum(0);
}

/// The same with the gradient of the path alone, whose noise vanishes where a posterior is exact
/// (Roeder et al. 2017, arXiv:1703.09194).
Tensor path_bound(Model& model, const Batch& batch) {
  const auto inference = model.infer(batch, kRefiningDraws);
  auto each = log_likelihood(inference, batch);
  for (const auto& site : inference.trace.sites) {
    const auto q = site.posterior && !site.log_q.defined() ? site.posterior->detached() : nullptr;
    const auto log_q = q ? q->row_log_prob(site.value) : site.log_posterior();
    each = each + (site.log_prior() - log_q).view(each.sizes());
  }
  return (each * inference.trace.log_weight.exp()).sum(0);
}

/// Comparisons take the same draws, and disturb nobody's.
Tensor compared_bound(Model& model, const Batch& batch) {
  torch::NoGradGuard no_gradient;
  RandomScope scope(0);
  return row_bound(model, batch, kComparingDraws);
}

}  // namespace

Refinement::Refinement(Model& model, const Batch& batch, int64_t steps, Keep keep)
    : outer_(current_refinement()), rows_(batch.size()) {
  if (steps == 0) return;
  // infer() reads the label where the batch has one, as always.
  if (keep == Keep::kRisen) before_ = compared_bound(model, batch);
  current_refinement() = this;
  try {
    follow(model, batch, steps);
    if (keep == Keep::kRisen) keep_risen(model, batch);
  } catch (...) {
    current_refinement() = outer_;
    throw;
  }
}

Refinement::~Refinement() { current_refinement() = outer_; }

void Refinement::follow(Model& model, const Batch& batch, int64_t steps) {
  const OnlyRead scope(model);
  std::vector<Site> sites;
  finds_ = true;
  {
    torch::NoGradGuard no_gradient;
    RandomScope same(0);
    sites = model.infer(batch, 1).trace.sites;
  }
  finds_ = false;
  check(!own_.empty(),
        "[refine] posterior: that of this model reads nothing that a row could have "
        "of its own; what can be refined: models of one or several continuous vectors");
  for (const auto& site : sites) {
    check(!site.posterior || site.posterior->reparameterized(), "[refine] ", site.name,
          ": draws of bits or classes carry no gradient that its posterior could follow");
  }
  std::vector<Tensor> own, mean, square;
  for (auto& [site, correction] : own_) {
    correction.requires_grad_(true);
    own.push_back(correction);
    mean.push_back(torch::zeros_like(correction));
    square.push_back(torch::zeros_like(correction));
  }
  for (int64_t t = 1; t <= steps; ++t) {
    std::vector<Tensor> gradient;
    {
      torch::AutoGradMode with_gradient(true);
      const auto loss = -path_bound(model, batch).sum();
      gradient = torch::autograd::grad({loss}, own, {}, false, false, true);
    }
    torch::NoGradGuard no_gradient;
    const double done = static_cast<double>(t - 1) / static_cast<double>(steps);
    const double rate = kRefiningRate * std::pow(kLastShare, done);
    const double of_mean = 1 - std::pow(kFirstMoment, static_cast<double>(t));
    const double of_square = 1 - std::pow(kSecondMoment, static_cast<double>(t));
    for (size_t i = 0; i < own.size(); ++i) {
      if (!gradient[i].defined()) continue;
      const auto g = gradient[i].nan_to_num(0, 0, 0);
      mean[i].mul_(kFirstMoment).add_(g, 1 - kFirstMoment);
      square[i].mul_(kSecondMoment).addcmul_(g, g, 1 - kSecondMoment);
      own[i].addcdiv_(mean[i] / of_mean, (square[i] / of_square).sqrt_().add_(kTiny), -rate);
    }
  }
  for (auto& [site, correction] : own_) correction.requires_grad_(false);
}

void Refinement::keep_risen(Model& model, const Batch& batch) {
  torch::NoGradGuard no_gradient;
  after_ = compared_bound(model, batch);
  const auto risen = after_ > before_;
  for (auto& [site, correction] : own_) {
    Shape shape(static_cast<size_t>(correction.dim()), 1);
    shape[0] = rows_;
    correction.mul_(risen.to(correction.scalar_type()).view(shape));
  }
  after_ = torch::where(risen, after_, before_);
}

Tensor corrected(const std::string& site, const Tensor& h) {
  auto* refinement = current_refinement();
  if (!refinement || h.size(0) % refinement->rows_ != 0) return h;
  auto& own = refinement->own_[site];
  if (!own.defined()) {
    // One that shows up later than the others cannot be followed.
    if (!refinement->finds_) return h;
    own = torch::zeros_like(h.narrow(0, 0, refinement->rows_));
  }
  return h + tile(own, h.size(0) / refinement->rows_);
}

}  // namespace elbo
