#include <cmath>

#include "elbo/core/error.h"
#include "elbo/eval/embedding.h"
#include "elbo/eval/sample_distance.h"

namespace elbo {
namespace {

constexpr double kA = 1.577, kB = 0.8951;  // 1/(1 + a d^2b) for a least distance of 0.1
constexpr double kRepulsion = 5;           // pushes for each pull
constexpr double kMostMove = 4;            // of a coordinate, in a step of rate 1
constexpr double kExtent = 10;             // of the map where it begins

/// [n, n] how surely two rows are neighbours: exp(-(d - nearest) / scale) of each row's k nearest,
/// with scales by bisection so that a row's sum is log2(k); of a pair either direction may hold.
Tensor fuzzy_neighbours(const Tensor& x, int64_t k) {
  auto d = squared_distances(x, x).clamp_min(0).sqrt();
  d.fill_diagonal_(std::numeric_limits<double>::infinity());
  const auto [near, who] = d.topk(k, 1, /*largest=*/false);
  const auto beyond = near - near.narrow(1, 0, 1);
  const auto unit = near.mean(1, true).clamp_min(1e-12);
  Tensor sure;
  // Of the logarithm of the scale, in units of the mean distance.
  bisect_rows(x.size(0), [&](const Tensor& middle) {
    sure = (-beyond / (unit * middle.exp())).exp();
    return sure.sum(1, true) > std::log2(static_cast<double>(k));
  });
  const auto one_way = torch::zeros_like(d).scatter_(1, who, sure);
  return one_way + one_way.t() - one_way * one_way.t();
}

}  // namespace

Tensor fuzzy_map(const Tensor& x_, int64_t neighbours, int64_t steps) {
  const auto x = x_.to(torch::kFloat64);
  const int64_t n = x.size(0);
  check(n >= 4, "[map] ", n, " rows, at least 4 are needed");
  const auto sure = fuzzy_neighbours(x, std::min(neighbours, n - 1)).to(torch::kFloat32);
  // In place of random pairs: how often each pair would be drawn to be pushed apart.
  const auto drawn = kRepulsion * sure.sum(1, true) / static_cast<double>(n);
  auto y = principal_map(x).to(torch::kFloat32);
  y = y / y.abs().max().clamp_min(1e-12) * kExtent;
  for (int64_t step = 0; step < steps; ++step) {
    const double rate = 1 - static_cast<double>(step) / static_cast<double>(steps);
    const auto d2 = squared_distances(y, y).clamp_min(1e-6);
    const auto tail = 1 + kA * d2.pow(kB);
    const auto pull = sure * (-2 * kA * kB) * d2.pow(kB - 1) / tail;
    auto push = drawn * (2 * kB) / ((0.001 + d2) * tail);
    push.fill_diagonal_(0);
    const auto force = pull + push;
    const auto move = force.sum(1, true) * y - force.mm(y);
    y = y + rate * move.clamp(-kMostMove, kMostMove);
  }
  return y - y.mean(0);
}

}  // namespace elbo
