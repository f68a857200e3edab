#include <cmath>

#include "near.h"
#include "tolerance.h"
#include "toy.h"

// Objectives that hold all codes, or all samples, to a distribution: whether training gets there.

namespace elbo {
namespace {

/// A ring of radius 2 with some thickness.
Data ring() {
  RandomScope scope(7);
  const auto angle = 2 * M_PI * torch::rand({2000});
  const auto radius = 2 + 0.1 * torch::randn({2000});
  Arrays arrays;
  arrays.x = torch::stack({radius * angle.cos(), radius * angle.sin()}, 1);
  arrays.schemas.x = {{2}, Kind::kReal, Json::object()};
  return in_memory(arrays);
}

void check_codes(const std::string& model, int64_t steps) {
  CAPTURE(model);
  torch::manual_seed(4);
  auto spec = model_spec(model);
  spec.erase("train");
  Toy toy(toy_spec({{"posterior", spec["posterior"]}, {"objective", spec["objective"]}}),
          toy_table());
  toy.train(steps, 0.002, 64);
  torch::NoGradGuard no_gradient;
  const auto z = toy.model->latent->infer(toy.all(), 1).code;
  const auto root = static_cast<double>(z.size(0));
  CHECK(z.mean(0).abs().max().item<double>() < kCodeMoments);
  CHECK((z.std(0) - 1).abs().max().item<double>() < kCodeMoments);
  const auto centred = (z - z.mean(0)) / z.std(0);
  const auto correlation = centred.t().mm(centred) / root - torch::eye(3);
  CHECK(correlation.abs().max().item<double>() < kCodeMoments);
}

}  // namespace

TEST_CASE("codes held to the prior by a distance have its moments") {
  check_codes("wae_mmd", 1000);
  check_codes("swae", 1000);
}

TEST_CASE("codes held to the prior by a critic have its moments" * doctest::test_suite("slow") *
          doctest::skip()) {
  check_codes("aae", 4000);
  check_codes("wae_gan", 4000);
}

TEST_CASE("a VAE-GAN's samples and reconstructions lie where the data lie" *
          doctest::test_suite("slow") * doctest::skip()) {
  torch::manual_seed(4);
  const Json net{{"type", "mlp"}, {"hidden", {64, 64}}, {"activation", "elu"}};
  Toy toy(toy_spec({{"latent", {{"size", 2}}},
                    {"encoder", net},
                    {"decoder", net},
                    {"objective", {{"type", "adversarial"}, {"critic", net}, {"features", 16}}}}),
          ring());
  toy.train(4000, 0.001, 128);
  torch::NoGradGuard no_gradient;
  const auto x = toy.all().x;
  const auto radius = toy.model->generate(2000).x->mean().norm(2, 1);
  CHECK(std::abs(radius.mean().item<double>() - 2) < kRing);
  CHECK(radius.std().item<double>() < kRing);
  const auto error = toy.model->infer(toy.all(), 0).x->mean() - x;
  CHECK(error.square().sum(1).mean().sqrt().item<double>() < 2 * kRing);
}

}  // namespace elbo
