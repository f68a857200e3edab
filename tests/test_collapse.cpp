#include "elbo/eval/density.h"
#include "toy.h"

namespace elbo {
namespace {

/// Units of the posterior mean that the data move, of eight, after a short training with a decoder
/// that could do without any.
int64_t active_units(const Json& patch) {
  DataOptions rows;
  rows.rows = 2000;
  const auto data = open_data("builtin:codes", rows);
  seed_torch(0);
  const Json net{{"type", "mlp"}, {"hidden", {32}}};
  Json spec = default_spec();
  spec.merge_patch(
      {{"latent", {{"type", "flat"}, {"size", 8}}}, {"encoder", net}, {"decoder", net}});
  spec["likelihood"] = {{"type", "pixel_cnn"}, {"features", 16}, {"layers", 3}, {"kernel", 9}};
  spec.merge_patch(patch);
  Toy toy(spec, data);
  toy.train(240, 0.004, 100);
  EvaluateOptions options;
  options.draws = 0;
  options.rows = 500;
  const auto judged = evaluate_density(*toy.model, *data, options, [](double) {});
  return judged["sites"][0]["active_units"];
}

TEST_CASE("an autoregressive decoder leaves the latents unused, and each cure keeps a quarter") {
  CHECK(active_units(Json::object()) <= 1);
  const Json skip{{"type", "skip"}, {"hidden", {32, 32}}};
  const std::vector<std::pair<std::string, Json>> cures{
      {"free bits", {{"objective", {{"free_bits", 0.25}, {"free_bits_per", "dimension"}}}}},
      {"cyclical", {{"objective", {{"beta", "cycle(0, 1, 60, 0.5)"}}}}},
      {"skip connections and a warm-up",
       {{"decoder", skip}, {"objective", {{"beta", "linear(0, 1, 200)"}}}}}};
  for (const auto& [name, patch] : cures) {
    CAPTURE(name);
    CHECK(active_units(patch) >= 2);
  }
}

}  // namespace
}  // namespace elbo
