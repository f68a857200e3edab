#include "elbo/eval/drift.h"

#include <cmath>

namespace elbo {
namespace {

/// Share of the scores above the value that this share of the reference lies above.
double share_above(const Tensor& scores, const Tensor& reference, double share) {
  const auto value = reference.quantile(1 - share);
  return (scores > value).to(torch::kFloat64).mean().item<double>();
}

Tensor quartiles(const Tensor& scores) {
  return scores.quantile(torch::tensor({0.25, 0.5, 0.75}, torch::kFloat64));
}

/// quantile() takes 2^24 numbers; every so many rows say the same.
Tensor bounded(const Tensor& scores) {
  constexpr int64_t kMost = int64_t{1} << 20;
  const auto flat = scores.flatten().to(torch::kFloat64);
  return flat.slice(0, 0, flat.numel(), 1 + flat.numel() / kMost);
}

}  // namespace

Drift find_drift(const Tensor& scores, const Tensor& reference) {
  constexpr double kAnomalies = 0.1, kErrors = 4;
  const auto judged = bounded(scores), usual = bounded(reference);
  Drift worst;
  double most = 0;
  for (const double share : {0.5, 0.25}) {
    const double above = share_above(judged, usual, share);
    const double expected = share * (1 - kAnomalies) + kAnomalies;
    const double error = std::sqrt(
        share * (1 - share) *
        (1 / static_cast<double>(judged.numel()) + 1 / static_cast<double>(usual.numel())));
    const double beyond = above - expected - kErrors * error;
    if (beyond <= most) continue;
    most = beyond;
    worst = {true, share, above};
  }
  return worst;
}

std::string Drift::text() const {
  const auto percent = [](double share) {
    return std::to_string(static_cast<int>(std::lround(100 * share))) + " %";
  };
  return "drift, or many anomalies: " + percent(above) + " of the rows score higher than all but " +
         percent(level) + " of the normal ones";
}

double adapted_level(double level, const Tensor& scores, const Tensor& reference) {
  const auto from = quartiles(bounded(reference)), to = quartiles(bounded(scores));
  const auto at = [](const Tensor& q, int64_t i) { return q[i].item<double>(); };
  const double width = at(from, 2) - at(from, 0);
  const double scale = width > 0 ? (at(to, 2) - at(to, 0)) / width : 1;
  return at(to, 1) + scale * (level - at(from, 1));
}

}  // namespace elbo
