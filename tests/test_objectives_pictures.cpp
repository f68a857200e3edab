#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "elbo/model/sees_training.h"
#include "elbo/objectives/feature_space.h"
#include "near.h"
#include "tolerance.h"
#include "toy.h"

// The terms by which image autoencoders are trained: values, and gradients against finite
// differences.

namespace elbo {
namespace {

Toy pictures_with(Json objective, const char* likelihood = "laplace") {
  torch::manual_seed(4);
  objective["type"] = "picture";
  const Json net{{"type", "autoencoder_kl"}, {"channels", {8, 8, 8}}, {"blocks", 1}, {"groups", 4}};
  Json spec = default_spec();
  spec.merge_patch({{"latent", {{"type", "flat"}, {"factor", 4}, {"channels", 2}}},
                    {"encoder", net},
                    {"decoder", net},
                    {"likelihood", {{"type", likelihood}, {"scale", "learned"}}},
                    {"objective", objective}});
  return Toy(spec, toy_images());
}

Batch some_pictures(const Toy& toy) {
  auto batch = toy.data->get(torch::arange(3));
  batch.x = batch.x.to(torch::kFloat64);
  return batch;
}

/// Toy and objective in double precision, with features learned.
void prepare(Toy& toy) {
  dynamic_cast<SeesTraining&>(*toy.objective).see(*toy.data);
  toy.model->to(torch::kFloat64);
  toy.objective->to(torch::kFloat64);
}

/// The slope of f along a random direction of these parameters, by finite differences and by the
/// gradients that f's loss leaves.
template <class F>
void check_slope(std::vector<Tensor> parameters, const F& f) {
  std::vector<Tensor> direction;
  RandomScope scope(6);
  for (auto& p : parameters) {
    direction.push_back(torch::randn_like(p));
    p.mutable_grad() = Tensor();
  }
  f().loss.backward();
  double slope = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const auto& grad = parameters[i].grad();
    if (grad.defined()) slope += (grad * direction[i]).sum().template item<double>();
  }
  const double step = 1e-6;
  const auto moved = [&](double by) {
    for (size_t i = 0; i < parameters.size(); ++i) {
      parameters[i].detach().add_(direction[i], by);
    }
    return f().loss.template item<double>();
  };
  const double high = moved(step), low = moved(-2 * step);
  moved(step);
  const double expected = (high - low) / (2 * step);
  CHECK(std::abs(expected) > 1e-3);
  CHECK_CLOSE(slope / expected, 1.0, kFiniteDifferenceRoot);
}

}  // namespace

TEST_CASE("gradients of pixels, features and KL are those of finite differences") {
  for (const char* likelihood : {"laplace", "normal"}) {
    for (const double perceptual : {0.0, 20.0}) {
      CAPTURE(likelihood);
      CAPTURE(perceptual);
      auto toy = pictures_with({{"perceptual", perceptual}, {"beta", 0.3}}, likelihood);
      prepare(toy);
      const auto batch = some_pictures(toy);
      check_slope(toy.model->parameters(), [&] {
        const RandomScope scope(7);
        return toy.objective->loss({*toy.model, batch, 0});
      });
    }
  }
}

TEST_CASE("gradients through the critic of patches are those of finite differences") {
  auto toy = pictures_with(
      {{"critic", 50}, {"critic_channels", {4, 8}}, {"adaptive", false}, {"perceptual", 5}});
  prepare(toy);
  const auto batch = some_pictures(toy);
  const auto of_model = [&] {
    const RandomScope scope(7);
    return toy.objective->loss({*toy.model, batch, 0});
  };
  check_slope(toy.model->parameters(), of_model);
  const auto players = toy.objective->players(*toy.model);
  REQUIRE(players.size() == 2);
  check_slope(players[1].parameters, [&] { return players[1].loss({*toy.model, batch, 0}); });
  // What fools the critic leaves nothing in its parameters' gradients.
  for (auto& p : players[1].parameters) p.mutable_grad() = Tensor();
  of_model().loss.backward();
  for (const auto& p : players[1].parameters) CHECK(!p.grad().defined());
}

TEST_CASE("an adaptive critic moves pictures as strongly as its weight says") {
  const auto scale_gradients = [](double critic) {
    auto toy = pictures_with({{"critic", critic}, {"critic_channels", {4, 8}}, {"beta", 0}});
    prepare(toy);
    const auto batch = some_pictures(toy);
    const RandomScope scope(7);
    toy.objective->loss({*toy.model, batch, 0}).loss.backward();
    // The last layer's bias sums what the decoder's output is told.
    return toy.model->decoder->named_parameters()["conv_out.weight"].grad().clone();
  };
  const auto none = scale_gradients(0), one = scale_gradients(1), two = scale_gradients(2);
  CHECK((one - none).norm().item<double>() > 1e-3 * none.norm().item<double>());
  check_near(two - none, 2 * (one - none), kFloatSums);
}

TEST_CASE("the critic waits for its first step, and the decoder can be trained alone") {
  auto toy = pictures_with({{"critic", 1},
                            {"critic_channels", {4, 8}},
                            {"critic_start", 5},
                            {"trained", "decoder"},
                            {"perceptual", 0}});
  prepare(toy);
  const auto batch = some_pictures(toy);
  const auto players = toy.objective->players(*toy.model);
  const auto before = toy.objective->loss({*toy.model, batch, 4});
  for (const auto& [name, value] : before.parts) CHECK(name != "fooling");
  CHECK(!players[1].loss({*toy.model, batch, 4}).loss.defined());
  const auto after = toy.objective->loss({*toy.model, batch, 5});
  CHECK(part(after, "fooling") != 0);
  CHECK(players[1].loss({*toy.model, batch, 5}).loss.defined());
  after.loss.backward();
  for (const auto& p : toy.model->latent->parameters()) CHECK(!p.grad().defined());
  for (const auto& p : players[0].parameters) CHECK(p.grad().defined());
}

TEST_CASE("own features are the same each time, and a file keeps them") {
  const auto data = toy_images();
  const auto own = learn_features(*data, 3), again = learn_features(*data, 3);
  const auto x = data->get(torch::arange(8)).x;
  CHECK_CLOSE(own.network->pooled(x), again.network->pooled(x), kRoundTrip);
  CHECK_CLOSE(own.network->distance(x, x), torch::zeros({8}), kRoundTrip);
  // Noise and blur both cost, more of them more.
  const auto noisy = own.network->distance((x + 0.05 * torch::randn_like(x)).clamp(0, 1), x);
  const auto noisier = own.network->distance((x + 0.3 * torch::randn_like(x)).clamp(0, 1), x);
  CHECK((noisier > noisy).all().item<bool>());
  const auto path = "/tmp/elbo_features_" + std::to_string(::getpid()) + ".safetensors";
  save_features(own, path);
  const auto read = load_features(path, 1);
  CHECK(read.network->pooled(x).equal(own.network->pooled(x)));
  CHECK(read.name == own.name);
  CHECK_THROWS_AS(load_features(path, 3), Error);
  std::filesystem::remove(path);
}

}  // namespace elbo
