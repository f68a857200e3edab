#include <cmath>
#include <numeric>

#include "elbo/data/open.h"
#include "elbo/eval/density.h"
#include "elbo/eval/row_score.h"
#include "files.h"
#include "near.h"
#include "tolerance.h"
#include "toy.h"

namespace elbo {
namespace {

/// A small model of the linear-Gaussian data, trained a little.
const Toy& trained() {
  static const Toy toy = [] {
    Json spec = default_spec();
    spec["encoder"] = spec["decoder"] = {{"type", "mlp"}, {"hidden", {32}}};
    spec["latent"] = {{"type", "flat"}, {"size", 2}};
    DataOptions options;
    options.rows = 600;
    Toy made(spec, open_data("builtin:gaussian", options));
    made.train(400);
    made.model->eval();
    return made;
  }();
  return toy;
}

RowScorer calibrated(const std::string& score, int64_t draws = 50) {
  RowScoreOptions options;
  options.score = score;
  options.draws = draws;
  const auto& toy = trained();
  RowScorer scorer(toy.model, toy.data->schemas(), options);
  std::vector<int64_t> first(200);
  std::iota(first.begin(), first.end(), int64_t{0});
  scorer.calibrate(*subset(toy.data, first), [](double) {});
  return scorer;
}

TEST_CASE("the likelihood score is the importance-sampled evidence, the bound lies above") {
  RandomScope scope(1);
  const auto batch = slice(trained().all(), 0, 50);
  const auto scores = calibrated("likelihood", 500).scores(batch);
  torch::NoGradGuard no_gradient;
  const auto evidence = importance_log_prob(*trained().model, batch, 4000, 1000);
  CHECK_CLOSE(scores.mean().item<double>(), -evidence.mean().item<double>(), kImportanceBlocksNats);
  const auto bound = calibrated("elbo", 500).scores(batch).mean().item<double>();
  CHECK(bound > scores.mean().item<double>());
  const auto fit = calibrated("reconstruction", 500).scores(batch).mean().item<double>();
  CHECK(fit < bound);  // by the KL
}

TEST_CASE("the bound is reconstruction and latent score together") {
  const auto batch = slice(trained().all(), 0, 50);
  const auto of = [&](const char* name) {
    RandomScope scope(5);
    return calibrated(name).scores(batch);
  };
  CHECK_CLOSE(of("elbo"), of("reconstruction") + of("latent"), kFloatSums);
  CHECK((of("latent") >= 0).all().item<bool>());
}

TEST_CASE("every score puts rows of another kind above those of training") {
  RandomScope scope(2);
  auto batch = slice(trained().all(), 0, 100);
  auto other = batch;
  other.x = batch.x + 6 * batch.x.std(0) * torch::sign(torch::randn_like(batch.x));
  for (const char* name : {"likelihood", "elbo", "reconstruction", "latent", "ensemble"}) {
    CAPTURE(name);
    const auto scorer = calibrated(name);
    const auto usual = scorer.scores(batch), unusual = scorer.scores(other);
    CHECK((usual.scalar_type() == torch::kFloat64));
    const auto above = (unusual.unsqueeze(0) > usual.unsqueeze(1)).to(torch::kFloat64).mean();
    CHECK(above.item<double>() > 0.9);
    CHECK(scorer.reference().size(0) == 200);
  }
}

TEST_CASE("a cell that was changed is the cause, with the value that it had about") {
  const auto scorer = calibrated("likelihood");
  RandomScope scope(3);
  const auto before = slice(trained().all(), 0, 40);
  auto after = before;
  after.x = before.x.clone();
  after.x.select(1, 3) += 8;
  const auto causes = scorer.causes(after);
  CHECK(causes.excess.argmax(1).eq(3).to(torch::kFloat64).mean().item<double>() > 0.95);
  // Seven other columns say what the third should be, but for its own noise.
  const auto error = (causes.expected - before.x).select(1, 3).square().mean().sqrt();
  CHECK(error.item<double>() < 0.5 * 8);
  const auto calm = scorer.causes(before).excess.mean(0).abs().max().item<double>();
  CHECK(calm < 1);  // nats beyond what is usual: none on average
}

TEST_CASE("surprise is -log of the share of reference scores as high, with an exponential tail") {
  const Surprise surprise(torch::arange(100, torch::kFloat64));
  const auto s = surprise(torch::tensor({-5.0, 50.0, 89.0, 89.0 + 5.5}, torch::kFloat64));
  CHECK_CLOSE(s[0].item<double>(), 0, kDoubleSums);
  CHECK_CLOSE(s[1].item<double>(), -std::log(51.0 / 101), kDoubleSums);
  // The ten highest lie 5.5 above the eleventh on average.
  CHECK_CLOSE(s[3].item<double>(), -std::log(0.1) + 1, kDoubleSums);
  // However sums are rounded, a reference row scores as itself, also where the tail begins.
  const auto rounded =
      surprise(torch::tensor({50 - 1e-9, 50.0, 50 + 1e-9, 89 - 1e-9, 89 + 1e-9}, torch::kFloat64));
  CHECK((rounded.narrow(0, 0, 3) == rounded[1]).all().item<bool>());
  CHECK((rounded.narrow(0, 3, 2) == s[2]).all().item<bool>());
  const auto rising = surprise(torch::linspace(-10, 500, 1000, torch::kFloat64));
  CHECK((rising.diff() >= 0).all().item<bool>());
}

}  // namespace
}  // namespace elbo
