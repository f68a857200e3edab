#include "elbo/data/open.h"
#include "elbo/eval/density.h"
#include "toy.h"

namespace elbo {
namespace {

/// Units of the posterior mean that the data move, of four. What the decoder's masked convolutions
/// see of a row lets them do almost without, and three layers stand between them and the code.
int64_t active_units(const Json& patch) {
  DataOptions rows;
  rows.rows = 2000;
  const auto data = open_data("builtin:codes", rows);
  seed_torch(0);
  Json spec = default_spec();
  spec.merge_patch({{"latent", {{"type", "flat"}, {"size", 4}}},
                    {"encoder", {{"type", "mlp"}, {"hidden", {32}}}},
                    {"decoder", {{"type", "mlp"}, {"hidden", {32, 32, 32}}}}});
  spec["likelihood"] = {{"type", "pixel_cnn"}, {"features", 16}, {"layers", 3}, {"kernel", 5}};
  spec.merge_patch(patch);
  Toy toy(spec, data);
  toy.train(600, 0.004, 100);
  EvaluateOptions options;
  options.draws = 0;
  options.rows = 500;
  const auto judged = evaluate_density(*toy.model, *data, options, [](double) {});
  return judged["sites"][0]["active_units"];
}

TEST_CASE("an autoregressive decoder leaves the latents unused, and each cure keeps a quarter") {
  CHECK(active_units(Json::object()) == 0);
  const std::vector<std::pair<std::string, Json>> cures{
      {"free bits", {{"objective", {{"free_bits", 0.25}, {"free_bits_per", "dimension"}}}}},
      {"cyclical", {{"objective", {{"beta", "cycle(0, 1, 300, 0.8)"}}}}},
      {"skip connections", {{"decoder", {{"type", "skip"}}}}}};
  for (const auto& [name, patch] : cures) {
    const auto active = active_units(patch);
    MESSAGE(name, ": ", active, " of 4 units active");
    CHECK(active >= 1);
  }
}

}  // namespace
}  // namespace elbo
