#include "elbo/model/sees_training.h"
#include "elbo/objectives/views.h"
#include "spots.h"

namespace elbo {
namespace {

// Views that stay on their own side.
const Json kSmallViews{{"type", "consistency"}, {"shift", 0.03}, {"rotate", 5}, {"erase", 0},
                       {"confidence", 0.8},     {"labelled", 8}};

}  // namespace

TEST_CASE("a view of no movement is the picture itself") {
  const auto x = torch::rand({5, 2, 9, 7});
  CHECK((random_views(x, {0, 0, 0, 0, 0}) - x).abs().max().item<double>() < 1e-5);
  const auto moved = random_views(x, {});
  CHECK(moved.sizes() == x.sizes());
  CHECK((moved - x).abs().max().item<double>() > 0.1);
}

TEST_CASE("a view that is only shifted keeps what stays inside") {
  const auto x = torch::zeros({64, 1, 21, 21});
  x.select(2, 10).select(2, 10).fill_(1);
  const auto moved = random_views(x, {0.2, 0, 0, 0, 0});
  CHECK((moved.sum({1, 2, 3}) - 1).abs().max().item<double>() < 1e-4);
}

TEST_CASE("few labels and agreement over views teach a classifier") {
  torch::manual_seed(1);
  const auto data = spots(8);
  Toy toy(classifying(kSmallViews), data);
  REQUIRE(dynamic_cast<SeesTraining*>(toy.objective.get()));
  show_training(*toy.objective, *data);
  toy.train(200);
  torch::NoGradGuard no_gradient;
  const auto all = toy.all();
  const auto truth = spots(256)->get(torch::arange(256)).y;
  const auto guess = toy.model->latent->class_probs(all).argmax(1);
  CHECK((guess == truth).to(torch::kFloat64).mean().item<double>() > 0.95);
  const auto terms = toy.objective->loss({*toy.model, all, 0});
  const auto told = [&](const std::string& name) {
    for (const auto& [key, value] : terms.parts) {
      if (key == name) return value.item<double>();
    }
    return -1.0;
  };
  CHECK(told("labelled") >= 0);
  CHECK(told("sure") > 0.5);
  CHECK(told("kl") >= 0);
}

TEST_CASE("consistency refuses what it cannot serve") {
  const auto message = [](auto&& make) {
    try {
      make();
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(message([] {
          Toy(toy_spec({{"objective", "consistency"}}), toy_table());
        }).find("views need pictures") != std::string::npos);
  CHECK(message([] {
          Toy(toy_spec({{"objective", "consistency"}}), toy_images());
        }).find("no labels") != std::string::npos);
  const auto unseen = message([] {
    Toy toy(classifying("consistency"), spots(8));
    toy.objective->loss({*toy.model, toy.all(), 0});
  });
  CHECK(unseen.find("has not seen the training set") != std::string::npos);
}

}  // namespace elbo
