#include "elbo/distributions/continuous.h"

#include "elbo/heads/parameters.h"

namespace elbo {
namespace {

// Bounds of log concentrations and rates: inside them float32 densities stay finite.
constexpr double kLowest = -5, kHighest = 8;

// A level's centre lies inside (0, 1): (level + 1/2) / 256.
Dist on_level_centres(Dist base, const Tensor& like) {
  return std::make_shared<Affine>(std::move(base), torch::full({1}, -0.5 / 255, like.options()),
                                  torch::full({1}, 256.0 / 255, like.options()));
}

std::shared_ptr<Head> make_beta(const Context& at, NoOptions) {
  check_kind("beta", at.variable, {Kind::kUnit, Kind::kByte});
  const bool byte = at.variable.kind == Kind::kByte;
  return std::make_shared<FeatureHead>(
      at.variable.shape, 2, [byte](const std::vector<Tensor>& p) -> Dist {
        auto base = std::make_shared<Beta>(bounded_exp(p[0], kLowest, kHighest),
                                           bounded_exp(p[1], kLowest, kHighest));
        return byte ? on_level_centres(base, p[0]) : base;
      });
}

std::shared_ptr<Head> make_gamma(const Context& at, NoOptions) {
  check_kind("gamma", at.variable, {Kind::kReal, Kind::kUnit});
  return std::make_shared<FeatureHead>(at.variable.shape, 2, [](const std::vector<Tensor>& p) {
    return std::make_shared<Gamma>(bounded_exp(p[0], kLowest, kHighest),
                                   bounded_exp(p[1], -kHighest, kHighest));
  });
}

std::shared_ptr<Head> make_delta(const Context& at, NoOptions) {
  check_kind("delta", at.variable, numeric_kinds());
  return std::make_shared<FeatureHead>(at.variable.shape, 1, [](const std::vector<Tensor>& p) {
    return std::make_shared<Delta>(p[0]);
  });
}

std::shared_ptr<Head> make_uniform(const Context& at, NoOptions) {
  check_kind("uniform", at.variable, {Kind::kReal, Kind::kUnit});
  return std::make_shared<FeatureHead>(
      at.variable.shape, 2,
      [](const std::vector<Tensor>& p) {
        const auto half = bounded_exp(p[1], -7, 7);
        return std::make_shared<Uniform>(p[0] - half, p[0] + half);
      },
      true);
}

const bool added_beta = heads().add<NoOptions>(
    "beta", "Numbers in (0, 1), possibly with peaks at both ends", make_beta);
const bool added_gamma = heads().add<NoOptions>("gamma", "Positive numbers", make_gamma);
const bool added_delta =
    heads().add<NoOptions>("delta", "A point: the posterior of a plain autoencoder", make_delta);
const bool added_uniform =
    heads().add<NoOptions>("uniform", "An interval; as a free prior: from -1 to 1", make_uniform);

}  // namespace
}  // namespace elbo
