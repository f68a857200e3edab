#include <filesystem>

#include "elbo/io/safetensors.h"
#include "elbo/objectives/feature_space.h"
#include "files.h"
#include "golden_tables.h"
#include "near.h"
#include "tolerance.h"

// Networks to compare pictures in that were written elsewhere, against PyTorch's own values
// (tools/make_golden_features.py).

namespace elbo {
namespace {

const std::string kGolden = std::string(ELBO_SOURCE_DIR) + "/tests/golden/features.safetensors";

/// The pictures of the golden values, made by the same formula.
Tensor wave(int64_t n, int64_t channels, int64_t height, int64_t width, double phase) {
  const auto i = torch::arange(n * channels * height * width, torch::kFloat64);
  const auto bent = 0.7 * i + phase + 0.003 * i * torch::cos(0.01 * i);
  return (0.5 + 0.5 * torch::sin(bent)).view({n, channels, height, width});
}

}  // namespace

TEST_CASE("a network of every step sees what PyTorch sees, in grey pictures too") {
  for (const auto& golden : golden_file("features")["cases"]) {
    const int64_t channels = golden["channels"], height = golden["height"], width = golden["width"];
    auto space = load_features(kGolden, channels);
    CHECK(space.name == "one of each step");
    const auto x = wave(3, channels, height, width, 0), y = wave(3, channels, height, width, 0.4);
    const auto apart = space.network->distance(x.to(torch::kFloat32), y.to(torch::kFloat32));
    const auto expected = rows_of(Json::array({golden["distance"]})).flatten();
    CHECK_CLOSE(apart.to(torch::kFloat64), expected, kRoundTrip);
    space.network->to(torch::kFloat64);
    CHECK_CLOSE(space.network->distance(x, y), expected, kRoundTrip);
    CHECK_CLOSE(space.network->pooled(x), rows_of(golden["pooled"]), kRoundTrip);
  }
}

TEST_CASE("a written network is read as it was") {
  const auto space = load_features(kGolden, 3);
  const auto path = (std::filesystem::temp_directory_path() / "elbo_features_again.safetensors");
  save_features(space, path);
  const auto again = load_features(path, 3);
  const auto x = wave(2, 3, 12, 12, 0).to(torch::kFloat32);
  CHECK(again.network->pooled(x).equal(space.network->pooled(x)));
  CHECK(again.name == space.name);
  std::filesystem::remove(path);
}

TEST_CASE("a network that does not fit its plan, or pictures that do not fit it, are refused") {
  const auto file = load_safetensors(kGolden);
  const auto path = (std::filesystem::temp_directory_path() / "elbo_features_bad.safetensors");
  const auto refused = [&](const std::function<void(Json&)>& change) {
    auto plan = Json::parse(file.metadata.at("network"));
    change(plan);
    save_safetensors(path, file.tensors, {{"network", plan.dump()}});
    CHECK_THROWS_AS(load_features(path, 3), Error);
  };
  refused([](Json& plan) { plan["steps"][1]["of"] = {5}; });
  refused([](Json& plan) { plan["steps"][1]["of"] = {-1}; });
  refused([](Json& plan) { plan["steps"][0]["channels"] = 9; });
  refused([](Json& plan) { plan["steps"][0]["channels"] = 1e15; });
  refused([](Json& plan) { plan["steps"][0]["kernel"] = 0; });
  refused([](Json& plan) { plan["steps"][0]["padding"] = {1, 1}; });
  refused([](Json& plan) { plan["steps"][0]["padding"] = {0, 0, 0, 3}; });
  refused([](Json& plan) { plan["steps"][0]["activation"] = "gated"; });
  refused([](Json& plan) { plan["steps"][0]["name"] = "other"; });
  refused([](Json& plan) { plan["steps"][1]["groups"] = 3; });
  refused([](Json& plan) { plan["scale"] = {1, 0, 1}; });
  refused([](Json& plan) { plan["shift"] = {1}; });
  refused([](Json& plan) { plan["steps"] = "none"; });
  refused([](Json& plan) {
    for (auto& step : plan["steps"]) step["compared"] = false;
  });
  refused([](Json& plan) {
    // Doubles the channels a thousand times.
    for (int i = 0; i < 900; ++i) {
      const auto last = plan["steps"].size();
      plan["steps"].push_back({{"type", "concatenation"}, {"of", {last, last}}});
    }
  });
  save_safetensors(path, file.tensors, {{"network", "{"}});
  CHECK_THROWS_AS(load_features(path, 3), Error);
  std::filesystem::remove(path);

  CHECK_THROWS_AS(load_features(kGolden, 4), Error);
  const auto space = load_features(kGolden, 1);
  CHECK_THROWS_AS(space.network->layers(torch::zeros({1, 1, 2, 40})), Error);
}

}  // namespace elbo
