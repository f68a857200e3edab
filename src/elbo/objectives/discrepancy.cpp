#include "elbo/objectives/discrepancy.h"

#include "elbo/group/row_draws.h"

namespace elbo {
namespace {

constexpr double kScales[] = {.1, .2, .5, 1, 2, 5, 10};

/// [n, m]
Tensor squared_distances(const Tensor& a, const Tensor& b) {
  const auto products = a.mm(b.t());
  const auto all = a.square().sum(1, true) + b.square().sum(1).unsqueeze(0) - 2 * products;
  return all.clamp_min(0);
}

Tensor kernel_sum(const Tensor& distances, const std::string& kernel, double base) {
  Tensor total;
  for (const double scale : kScales) {
    const double C = scale * base;
    const auto one = kernel == "rbf" ? (distances / -C).exp() : C / (C + distances);
    total = total.defined() ? total + one : one;
  }
  return total;
}

}  // namespace

Tensor mmd(const Tensor& x, const Tensor& y, const std::string& kernel, double variance) {
  const double n = static_cast<double>(x.size(0));
  if (x.size(0) < 2) return 0 * (x.sum() + y.sum());
  const double base = 2 * static_cast<double>(x.size(1)) * variance;
  const auto within = [&](const Tensor& a) {
    const auto k = kernel_sum(squared_distances(a, a), kernel, base);
    return (k.sum() - k.diagonal().sum()) / (n * (n - 1));
  };
  const auto across = kernel_sum(squared_distances(x, y), kernel, base).mean();
  return within(x) + within(y) - 2 * across;
}

Tensor sliced_wasserstein(const Tensor& x, const Tensor& y, int64_t slices) {
  const WholeDraws draws;  // the directions are those of features, whatever rows are here
  auto directions = torch::randn({x.size(1), slices}, x.options());
  directions = directions / directions.norm(2, 0, true);
  const auto sorted = [&](const Tensor& a) { return std::get<0>(a.mm(directions).sort(0)); };
  return (sorted(x) - sorted(y)).square().mean();
}

}  // namespace elbo
