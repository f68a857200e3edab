#include "elbo/eval/sample_distance.h"

#include <ATen/ops/linalg_eigh.h>

#include "elbo/core/error.h"

namespace elbo {
namespace {

void check_samples(const Tensor& x, const Tensor& y, int64_t least) {
  check(x.dim() == 2 && y.dim() == 2 && x.size(1) == y.size(1), "[distance] samples of ",
        to_string(x.sizes().vec()), " and ", to_string(y.sizes().vec()),
        " are not rows of the same width");
  check(x.size(0) >= least && y.size(0) >= least, "[distance] ", x.size(0), " and ", y.size(0),
        " rows, at least ", least, " each");
  check(x.isfinite().all().item<bool>() && y.isfinite().all().item<bool>(),
        "[distance] a value is not finite");
}

Tensor covariance(const Tensor& x) {
  const auto centered = x - x.mean(0, true);
  return centered.t().mm(centered) / static_cast<double>(x.size(0) - 1);
}

/// The root of a symmetric matrix without negative eigenvalues.
Tensor symmetric_root(const Tensor& a) {
  const auto [values, vectors] = at::linalg_eigh(a);
  return (vectors * values.clamp_min(0).sqrt()).mm(vectors.t());
}

/// [n] squared distance to the k-th nearest other row.
Tensor squared_radii(const Tensor& x, int64_t k) {
  auto distances = squared_distances(x, x);
  distances.fill_diagonal_(std::numeric_limits<double>::infinity());
  return std::get<0>(distances.kthvalue(k, 1));
}

double mean_share(const Tensor& yes) { return yes.to(torch::kFloat64).mean().item<double>(); }

}  // namespace

Tensor squared_distances(const Tensor& a, const Tensor& b) {
  const auto all = a.square().sum(1, true) + b.square().sum(1).unsqueeze(0) - 2 * a.mm(b.t());
  return all.clamp_min(0);
}

double frechet_distance(const Tensor& x_, const Tensor& y_) {
  const auto x = x_.to(torch::kFloat64), y = y_.to(torch::kFloat64);
  check_samples(x, y, 2);
  const auto a = covariance(x), b = covariance(y);
  // The eigenvalues of S1 S2 are those of the symmetric S1^½ S2 S1^½.
  const auto root = symmetric_root(a);
  const auto product = root.mm(b).mm(root);
  const auto values = at::linalg_eigvalsh((product + product.t()) / 2);
  const auto cross = values.clamp_min(0).sqrt().sum();
  return ((x.mean(0) - y.mean(0)).square().sum() + a.trace() + b.trace() - 2 * cross)
      .item<double>();
}

double kernel_distance(const Tensor& x_, const Tensor& y_) {
  const auto x = x_.to(torch::kFloat64), y = y_.to(torch::kFloat64);
  check_samples(x, y, 2);
  const double d = static_cast<double>(x.size(1));
  const auto kernel = [d](const Tensor& a, const Tensor& b) {
    return (a.mm(b.t()) / d + 1).pow(3);
  };
  const auto within = [&](const Tensor& a) {
    const double n = static_cast<double>(a.size(0));
    const auto k = kernel(a, a);
    return (k.sum() - k.trace()) / (n * (n - 1));
  };
  return (within(x) + within(y) - 2 * kernel(x, y).mean()).item<double>();
}

Coverage neighbour_coverage(const Tensor& x_, const Tensor& y_, int64_t k) {
  const auto x = x_.to(torch::kFloat64), y = y_.to(torch::kFloat64);
  check_samples(x, y, k + 1);
  const auto distances = squared_distances(x, y);  // [n, m]
  const auto in_x = distances < squared_radii(x, k).unsqueeze(1);
  const auto in_y = distances < squared_radii(y, k).unsqueeze(0);
  Coverage c;
  c.precision = mean_share(in_x.any(0));
  c.recall = mean_share(in_y.any(1));
  c.density = in_x.sum(0).to(torch::kFloat64).mean().item<double>() / static_cast<double>(k);
  c.coverage = mean_share(in_x.any(1));
  return c;
}

}  // namespace elbo
