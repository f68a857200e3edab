// The distributions alone, in a program that links libtorch and elbo::distributions and nothing
// else: a normal, a mixture and a flow are fitted to data with two humps, and a KL divergence is
// compared with its estimate from draws.
#include <torch/optim/adam.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <iostream>

#include "elbo/distributions.h"

namespace {

using elbo::Dist;
using elbo::Tensor;

/// [n, 1]: two thirds around -2, one third around 3.
Tensor two_humps(int64_t n) {
  const auto left = (torch::rand({n, 1}) < 2.0 / 3).to(torch::kFloat32);
  return left * (-2 + 0.7 * torch::randn({n, 1})) + (1 - left) * (3 + 0.5 * torch::randn({n, 1}));
}

Tensor parameter(const Tensor& start) { return start.clone().set_requires_grad(true); }

/// Nats per row after fitting: the mean of -log p(x).
double fit(const Tensor& x, const std::vector<Tensor>& parameters,
           const std::function<Dist()>& distribution, int64_t steps) {
  torch::optim::Adam optimizer(parameters, torch::optim::AdamOptions(0.05));
  double nats = 0;
  for (int64_t i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    const auto loss = -distribution()->row_log_prob(x).mean();
    loss.backward();
    optimizer.step();
    nats = loss.item<double>();
  }
  return nats;
}

double fit_normal(const Tensor& x, int64_t steps) {
  const auto loc = parameter(torch::zeros({1})), log_scale = parameter(torch::zeros({1}));
  return fit(
      x, {loc, log_scale},
      [&] { return std::make_shared<elbo::Normal>(loc, elbo::Log(log_scale)); }, steps);
}

double fit_mixture(const Tensor& x, int64_t steps) {
  const auto logits = parameter(torch::zeros({1, 2}));
  const auto loc = parameter(torch::tensor({{-1.0F, 1.0F}})),
             log_scale = parameter(torch::zeros({1, 2}));
  const auto mixture = [&] {
    const auto parts = std::make_shared<elbo::Normal>(loc, elbo::Log(log_scale));
    return std::make_shared<elbo::Mixture>(logits, parts, 0);
  };
  return fit(x, {logits, loc, log_scale}, mixture, steps);
}

/// A standard normal pushed through a spline and an affine map, each the same for all rows.
double fit_flow(const Tensor& x, int64_t steps) {
  const auto spline = elbo::spline_transform(8, 6), affine = elbo::affine_transform();
  const auto bent = parameter(torch::zeros({1, spline.parameters}));
  const auto moved = parameter(torch::zeros({1, affine.parameters}));
  const auto same_for_all = [](const Tensor& theta) {
    return [theta](const Tensor& z) {
      auto shape = z.sizes().vec();
      shape.push_back(theta.size(-1));
      return theta.expand(shape);
    };
  };
  const auto flow = [&] {
    const auto base = std::make_shared<elbo::StandardNormal>(elbo::Shape{1});
    return std::make_shared<elbo::Flow>(
        base, std::vector<elbo::Bijection>{elbo::autoregressive(spline, same_for_all(bent)),
                                           elbo::autoregressive(affine, same_for_all(moved))});
  };
  return fit(x, {bent, moved}, flow, steps);
}

/// The closed KL of two normals beside the mean of log q - log p over draws of q.
bool compare_kl() {
  const auto q = elbo::checked::normal(torch::tensor({{0.5F}}), torch::tensor({{0.8F}}));
  const auto p = elbo::checked::normal(torch::tensor({{0.0F}}), torch::tensor({{1.0F}}));
  const double closed = elbo::kl(*q, *p).value().item<double>();
  const auto z = q->sample({200000});
  const double drawn = (q->log_prob(z) - p->log_prob(z)).mean().item<double>();
  std::cout << "KL in closed form " << closed << ", from draws " << drawn << "\n";
  return std::abs(closed - drawn) < 0.01;
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t steps = argc > 1 ? std::atoll(argv[1]) : 400;
  torch::manual_seed(0);
  const auto x = two_humps(2000);
  const double normal = fit_normal(x, steps), mixture = fit_mixture(x, steps),
               flow = fit_flow(x, steps);
  std::cout << "nats per row: normal " << normal << ", mixture " << mixture << ", flow " << flow
            << "\n";
  const bool better = steps < 400 || (mixture < normal - 0.5 && flow < normal - 0.4);
  return compare_kl() && better && std::isfinite(normal + mixture + flow) ? 0 : 1;
}
