#include "elbo/eval/tail.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace elbo {
namespace {

/// A tail and how likely it is.
struct Tail {
  Pareto pareto;
  double weight = 0;

  double above(double x) const {
    const double ratio = x / pareto.scale;
    if (std::abs(pareto.shape) < 1e-9) return std::exp(-ratio);
    const double u = 1 + pareto.shape * ratio;
    return u > 0 ? std::pow(u, -1 / pareto.shape) : 0;
  }
};

/// A grid of tails with their posterior probabilities; excesses of mean 1. Shapes below 0 are not
/// among them: they would say that nothing can lie beyond some score, and scores have no bound.
std::vector<Tail> likely_tails(const std::vector<double>& x) {
  constexpr double kLast = 2, kStep = 0.05;
  constexpr double kLowest = -2.5, kHighest = 1.5, kLogStep = 0.1;
  std::vector<Tail> tails;
  double best = -std::numeric_limits<double>::infinity();
  for (double shape = 0; shape < kLast + kStep / 2; shape += kStep) {
    for (double log = kLowest; log < kHighest + kLogStep / 2; log += kLogStep) {
      const Pareto pareto{std::exp(log), shape};
      const double weight = pareto.log_likelihood(x);
      best = std::max(best, weight);
      tails.push_back({pareto, weight});
    }
  }
  double sum = 0;
  for (auto& tail : tails) sum += tail.weight = std::exp(tail.weight - best);
  for (auto& tail : tails) tail.weight /= sum;
  return tails;
}

}  // namespace

double Pareto::log_likelihood(const std::vector<double>& excesses) const {
  double sum = 0;
  for (double x : excesses) {
    const double u = shape * x / scale;
    sum += std::abs(shape) < 1e-12 ? x / scale : (1 + 1 / shape) * std::log1p(u);
  }
  return -sum - static_cast<double>(excesses.size()) * std::log(scale);
}

double Pareto::exceeded_with(double p) const {
  if (std::abs(shape) < 1e-12) return -scale * std::log(p);
  return scale * std::expm1(-shape * std::log(p)) / shape;
}

double next_excess(const std::vector<double>& excesses, double p) {
  const double mean =
      std::accumulate(excesses.begin(), excesses.end(), 0.0) / static_cast<double>(excesses.size());
  std::vector<double> x;
  for (const double excess : excesses) x.push_back(excess / mean);
  const auto tails = likely_tails(x);
  const auto above = [&](double level) {
    double sum = 0;
    for (const auto& tail : tails) sum += tail.weight * tail.above(level);
    return sum;
  };
  constexpr double kFurthest = 1e12;
  constexpr int kHalvings = 60;
  double low = 0, high = 1;
  while (above(high) > p && high < kFurthest) high *= 2;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (above(middle) > p ? low : high) = middle;
  }
  return mean * high;
}

}  // namespace elbo
