// A likelihood of one's own: a distribution, a head that makes one, and a line that registers it.
// The rest of this file compares it with the normal likelihood on data with outliers.
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <numbers>

#include "elbo/train/trainer.h"

namespace {

using elbo::Shape;
using elbo::Tensor;

/// Density 1/(2 scale) sech(pi/2 (x - loc)/scale): a bell with exponential tails.
struct HyperbolicSecant : elbo::Distribution {
  Tensor loc, scale;
  HyperbolicSecant(Tensor l, Tensor s) : loc(std::move(l)), scale(std::move(s)) {}

  Tensor log_prob(const Tensor& x) const override {
    const auto t = (x - loc).abs() / scale * (std::numbers::pi / 2);
    // log cosh t = t + log1p(exp(-2t)) - log 2, which does not overflow.
    return -(t + torch::log1p(torch::exp(-2 * t))) - scale.log();
  }
  Tensor sample(torch::IntArrayRef prefix) const override {
    auto shape = prefix.vec();
    shape.insert(shape.end(), loc.sizes().begin(), loc.sizes().end());
    const auto u = torch::rand(shape, loc.options()).clamp(1e-6, 1 - 1e-6);
    return loc + scale * (2 / std::numbers::pi) * torch::log(torch::tan(u * std::numbers::pi / 2));
  }
  Tensor mean() const override { return loc; }
  Tensor stddev() const override { return scale; }
};

class HyperbolicSecantHead : public elbo::Head {
 public:
  explicit HyperbolicSecantHead(Shape shape) : shape_(std::move(shape)) {}
  elbo::Dist operator()(const Tensor& h) override {
    const auto p = h.chunk(2, 1);
    return std::make_shared<HyperbolicSecant>(p[0], torch::softplus(p[1]) + 1e-3);
  }
  Shape input() const override {
    auto shape = shape_;
    shape[0] *= 2;
    return shape;
  }

 private:
  Shape shape_;
};

const bool added = elbo::heads().add<elbo::NoOptions>(
    "hyperbolic_secant", "Exponential tails: outliers pull less than with a normal",
    [](const elbo::Context& at, const elbo::NoOptions&) {
      return std::make_shared<HyperbolicSecantHead>(at.variable.shape);
    });

/// Eight noisy readings of one hidden value; one in fifty is far off.
elbo::Data sensors() {
  const auto value = torch::randn({4000, 1});
  const auto outlier = (torch::rand({4000, 8}) < 0.02).to(torch::kFloat32);
  const auto noise = torch::randn({4000, 8}) * (0.2 + 5 * outlier);
  elbo::Arrays arrays;
  arrays.x = value + noise;
  arrays.schemas.x = {{8}, Kind::kReal};
  return elbo::in_memory(std::move(arrays));
}

double validation_loss(const elbo::Data& data, const std::string& likelihood, int64_t steps) {
  auto spec = elbo::model_spec("vae");
  elbo::set_option(spec, "likelihood=" + likelihood);
  spec = elbo::resolve(spec, data->schemas());
  const auto [train, validation] = elbo::split_validation(data, 0.1, 0);
  const auto model = elbo::build(spec, data->schemas());
  const auto objective = elbo::build_objective(spec, data->schemas(), *model, train->size());
  elbo::Trainer(model, objective, {.epochs = 1000, .steps = steps}).fit(train, nullptr);

  torch::NoGradGuard no_grad;
  model->eval();
  const auto rows = torch::arange(validation->size());
  return objective->validate(*model, validation->get(rows)).loss.item<double>();
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t steps = argc > 1 ? std::atoll(argv[1]) : 1000;
  elbo::seed_torch(0);
  const auto data = sensors();
  for (const char* likelihood : {"normal", "hyperbolic_secant"}) {
    const double loss = validation_loss(data, likelihood, steps);
    std::cout << likelihood << ": " << loss << " nats per row\n";
    if (!std::isfinite(loss)) return 1;
  }
}
