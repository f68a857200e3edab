#include "elbo/train/plan.h"
#include "files.h"
#include "toy.h"

namespace elbo {
namespace {

TrainRequest small_request() {
  TrainRequest request;
  request.data = "builtin:digits";
  request.data_options = {{"rows", 100}};
  request.settings = {"encoder=mlp", "encoder.hidden=[8]", "decoder=mlp", "decoder.hidden=[8]",
                      "latent.size=2"};
  return request;
}

TEST_CASE("a plan counts rows, steps and epochs as training will") {
  auto request = small_request();
  request.train_options = {{"batch", 20}, {"epochs", 3}, {"lr", "linear(0.01, 0, 2e)"}};
  request.settings.push_back("objective.beta=linear(0, 1, 10e)");
  const auto plan = plan_training(request);
  CHECK(plan.training_rows == 90);
  CHECK(plan.validation_rows == 10);
  CHECK(plan.steps_per_epoch == 4);
  CHECK(plan.steps == 12);
  CHECK(plan.facts["train"]["lr"] == "linear(0.01, 0, 8)");
  CHECK(plan.facts["spec"]["objective"]["beta"] == "linear(0, 1, 40)");
  CHECK(plan.facts["rows"] == 100);
}

TEST_CASE("options that a model recommends stand below those of the request") {
  const TempFolder folder;
  auto request = small_request();
  request.model =
      folder.file("mine.json", R"({"about": "a", "spec": {"train": {"epochs": 7, "batch": 25}}})");
  request.train_options = {{"batch", 30}};
  request.settings.push_back("train.clip=2");
  const auto plan = plan_training(request);
  CHECK(plan.facts["train"]["epochs"] == 7);
  CHECK(plan.facts["train"]["batch"] == 30);
  CHECK(plan.facts["train"]["clip"] == 2);
  CHECK_FALSE(plan.facts["spec"].contains("train"));
}

TEST_CASE("a plan leaves torch's random stream where it was") {
  torch::manual_seed(3);
  const auto expected = torch::rand({4});
  torch::manual_seed(3);
  plan_training(small_request());
  CHECK(torch::equal(torch::rand({4}), expected));
}

TEST_CASE("epochs are resolved in schedules and nowhere else") {
  Json j = {{"a", {1, "cosine(1, 0, 3e)"}}, {"b", "a text (with brackets)"}, {"c", "relu"}};
  Json expected = j;
  expected["a"][1] = "cosine(1, 0, 3703701)";
  resolve_epochs(j, 1234567);
  CHECK(j == expected);
}

TEST_CASE("texts get as many steps as their work allows; what is asked for goes before") {
  TrainRequest request;
  request.data = "builtin:sentences";
  request.data_options = {{"rows", 200}};
  request.settings = {"encoder.hidden=16", "likelihood.net.type=gru", "likelihood.net.hidden=16"};
  const auto plan = plan_training(request);
  CHECK(plan.facts["model"] == "text_vae");
  CHECK(plan.facts["train"]["batch"] == 64);
  CHECK(plan.steps == 2000);  // the most: the networks are small
  CHECK(plan.facts["train"]["lr"].get<std::string>().starts_with("cosine(0.003"));
  request.settings = {"encoder.hidden=700", "likelihood.net.type=gru", "likelihood.net.hidden=700"};
  const auto large = plan_training(request);
  CHECK(large.steps < 1500);
  CHECK(large.steps >= 100);
  request.train_options = {{"epochs", 2}};
  const auto asked = plan_training(request);
  CHECK(asked.steps == 2 * asked.steps_per_epoch);
  CHECK(asked.facts["train"]["batch"] == 128);
  CHECK(asked.facts["train"]["lr"] == 0.001);
  request.train_options = Json::object();
  request.model = "text_vae";  // named: its own recipe
  CHECK(plan_training(request).facts["train"]["batch"] == 128);
}

TEST_CASE("what training would stumble over is told by the plan") {
  const auto refused = [](const std::string& setting) {
    auto request = small_request();
    request.settings.push_back(setting);
    return error_of([&] { plan_training(request); });
  };
  CHECK(refused("prior=nothing").find("unknown \"nothing\"") != std::string::npos);
  CHECK(refused("likelihood.scale_of_things=1").find("unknown option") != std::string::npos);
  CHECK(refused("train.epoch=1").find("[train] unknown option \"epoch\"") != std::string::npos);
  CHECK(refused("train=3").find("expected an object") != std::string::npos);
}

}  // namespace
}  // namespace elbo
