#include "elbo/eval/density.h"
#include "elbo/train/plan.h"
#include "elbo/train/run.h"
#include "elbo/train/stage.h"
#include "files.h"
#include "near.h"
#include "toy.h"

namespace elbo {
namespace {

TrainRequest codes_request() {
  TrainRequest request;
  request.data = "builtin:codes";
  request.data_options = {{"rows", 1000}};
  request.train_options = {{"steps", 120}, {"lr", 0.01}, {"batch", 50}};
  request.model = "vq_vae";
  request.settings = {"encoder={\"type\":\"mlp\",\"hidden\":[32]}",
                      "decoder={\"type\":\"mlp\",\"hidden\":[32]}", "latent.codes=8",
                      "latent.size=4", "latent.positions=3"};
  return request;
}

Run trained_stage(const TrainRequest& request, const std::string& path) {
  const auto plan = plan_training(request);
  auto run = Run::create(path, plan.facts, plan.schemas, false);
  fit(run, {});
  return run;
}

TrainRequest second_request(const std::string& first) {
  TrainRequest request;
  request.from = first;
  request.train_options = {{"steps", 150}, {"lr", 0.01}, {"batch", 50}};
  request.settings = {"latent.prior={\"type\":\"pixel_cnn\",\"features\":16,\"layers\":2}"};
  return request;
}

double bound_of_run(const Run& run) {
  const auto model = run.load();
  EvaluateOptions options;
  options.draws = 0;
  return evaluate_density(*model, *run.held_out(nullptr), options, [](double) {})["negative_elbo"];
}

TEST_CASE("a second stage keeps the first one's weights and describes its codes better") {
  const TempFolder folder;
  const auto first = trained_stage(codes_request(), folder.at("first"));
  const auto next = trained_stage(second_request(folder.at("first")), folder.at("next"));
  const auto before = first.load(), after = next.load();
  const auto known = before->named_parameters();
  int64_t others = 0;
  for (const auto& p : after->named_parameters()) {
    const auto* old = known.find(p.key());
    if (old) CHECK(p.value().equal(*old));
    others += old == nullptr;
  }
  CHECK(others > 0);
  CHECK(next.spec()["objective"]["type"] == "fit_prior");
  CHECK(next.data_name() == "builtin:codes");
  // Three codes of eight for eight patterns: most of 3 log 8 = 6.2 nats are not needed.
  CHECK(bound_of_run(next) < bound_of_run(first) - 1);
}

TEST_CASE("a second stage is resumed to the same weights") {
  const TempFolder folder;
  trained_stage(codes_request(), folder.at("first"));
  auto request = second_request(folder.at("first"));
  request.train_options["steps"] = 8;
  const auto whole = trained_stage(request, folder.at("whole"));
  request.train_options["steps"] = 4;
  auto half = trained_stage(request, folder.at("half"));
  auto facts = half.facts();
  facts["train"]["steps"] = 8;
  half.set_facts(facts);
  fit(half, {});
  const auto a = weights_of(*whole.load()), b = weights_of(*half.load());
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) CHECK(a[i].second.equal(b[i].second));
}

TEST_CASE("a second stage that does not fit the first is refused before it begins") {
  const TempFolder folder;
  trained_stage(codes_request(), folder.at("first"));
  const auto refused = [&](auto change) {
    auto request = second_request(folder.at("first"));
    change(request);
    return error_of([&] { plan_training(request); });
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(has(refused([](auto& r) { r.settings.push_back("latent.size=5"); }),
            "the two may differ in the prior alone"));
  CHECK(has(refused([](auto& r) { r.settings.clear(); }), "nothing to learn"));
  CHECK(has(refused([](auto& r) {
              r.data = "builtin:gaussian";
              r.data_options = Json::object();
            }),
            "gaussian"));
  CHECK(has(refused([](auto& r) { r.from += "x"; }), "no such folder"));
}

TEST_CASE("a named model changes the parts of a second stage that it names") {
  const TempFolder folder;
  auto request = codes_request();
  request.model = "vae";
  request.settings.resize(2);
  request.settings.push_back("latent.size=3");
  const auto first = trained_stage(request, folder.at("first"));
  const auto spec = second_stage_spec(first, "maf_prior_vae");
  CHECK(spec["prior"]["step"] == "maf");
  CHECK(spec["latent"]["size"] == 3);
  CHECK(spec["encoder"] == first.spec()["encoder"]);
  CHECK(error_of([&] { second_stage_spec(first, "vq_vae_pixel_cnn"); }).find("quantized") !=
        std::string::npos);
  const auto codes = trained_stage(codes_request(), folder.at("codes"));
  const auto sequence = second_stage_spec(codes, "vq_vae_transformer");
  CHECK(sequence["latent"]["prior"] == "transformer");
  CHECK(sequence["latent"]["codes"] == 8);
}

}  // namespace
}  // namespace elbo
