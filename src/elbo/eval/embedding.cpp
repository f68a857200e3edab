#include "elbo/eval/embedding.h"

#include <ATen/ops/linalg_eigh.h>

#include <cmath>

#include "elbo/core/error.h"
#include "elbo/eval/sample_distance.h"

namespace elbo {
namespace {

/// [n, n] row-normalised similarities whose entropy is log(perplexity), by bisection of each
/// row's precision, all rows at once.
Tensor similarities(const Tensor& distances, double perplexity) {
  const auto scale = distances.mean(1, true).clamp_min(1e-12);
  const double wanted = std::log(perplexity);
  Tensor p;
  // Of the logarithm of the precision, in units of the mean distance.
  bisect_rows(distances.size(0), [&](const Tensor& middle) {
    auto logits = -distances / scale * middle.exp();
    logits.fill_diagonal_(-std::numeric_limits<double>::infinity());
    p = logits.softmax(1);
    return -torch::xlogy(p, p).sum(1, true) < wanted;
  });
  return p;
}

}  // namespace

void bisect_rows(int64_t n, const std::function<Tensor(const Tensor& middle)>& beyond) {
  auto low = torch::full({n, 1}, -30, torch::kFloat64), high = -low;
  for (int64_t step = 0; step < 50; ++step) {
    const auto middle = (low + high) / 2;
    const auto above = beyond(middle);
    high = torch::where(above, middle, high);
    low = torch::where(above, low, middle);
  }
}

Tensor principal_axes(const Tensor& centred) {
  constexpr int64_t kLongest = 2048;  // beyond, d x d products cost more than a picture is worth
  const int64_t d = centred.size(1), count = std::min<int64_t>(2, d);
  if (d > kLongest) {
    const auto most = std::get<1>(centred.square().sum(0).topk(count));
    return torch::eye(d, centred.options()).index_select(1, most);
  }
  const auto x = centred.to(torch::kFloat64);
  const auto vectors = std::get<1>(at::linalg_eigh(x.t().mm(x)));
  const auto axes = vectors.narrow(1, d - count, count).flip(1);
  // The sign of an eigenvector is free: its largest part is made positive.
  const auto largest = axes.abs().argmax(0, true);
  return (axes * axes.gather(0, largest).sign()).to(centred.scalar_type());
}

Tensor principal_map(const Tensor& x_) {
  const auto x = x_.to(torch::kFloat64);
  const auto centred = x - x.mean(0);
  const auto map = centred.mm(principal_axes(centred));
  return map.size(1) == 2 ? map : torch::cat({map, torch::zeros_like(map)}, 1);
}

Tensor neighbour_map(const Tensor& x_, double perplexity, int64_t steps) {
  const auto x = x_.to(torch::kFloat64);
  const int64_t n = x.size(0);
  check(n >= 4, "[map] ", n, " rows, at least 4 are needed");
  perplexity = std::min(perplexity, static_cast<double>(n - 1) / 3);
  auto p = similarities(squared_distances(x, x), perplexity);
  p = ((p + p.t()) / static_cast<double>(2 * n)).clamp_min(1e-12).to(torch::kFloat32);
  auto y = principal_map(x).to(torch::kFloat32);
  y = y / y.std(0, false).max().clamp_min(1e-12) * 1e-2;
  auto velocity = torch::zeros_like(y), gain = torch::ones_like(y);
  const int64_t exaggerated = steps / 4;
  for (int64_t step = 0; step < steps; ++step) {
    const double exaggeration = step < exaggerated ? 12 : 1,
                 momentum = step < exaggerated ? 0.5 : 0.8;
    auto near = 1 / (1 + squared_distances(y, y));
    near.fill_diagonal_(0);
    const auto force = (exaggeration * p - near / near.sum()) * near;
    const auto gradient = 4 * (force.sum(1, true) * y - force.mm(y));
    gain = torch::where((gradient > 0) == (velocity > 0), gain * 0.8, gain + 0.2).clamp_min(0.01);
    velocity = momentum * velocity - static_cast<double>(n) / 12 * gain * gradient;
    y = y + velocity;
    y = y - y.mean(0);
  }
  return y;
}

}  // namespace elbo
