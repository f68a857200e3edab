#include <cmath>

#include "near.h"
#include "tolerance.h"
#include "toy.h"

// The special terms of single objectives, and what training does with them.

namespace elbo {
namespace {

Toy toy_with(const Json& objective, Json patch = Json::object()) {
  torch::manual_seed(2);
  patch["objective"] = objective;
  return Toy(toy_spec(patch), toy_table());
}

Json point_posterior() { return {{"posterior", "delta"}}; }

}  // namespace

TEST_CASE("the moment penalty is that of the covariance by hand") {
  for (const std::string of : {"means", "draws"}) {
    CAPTURE(of);
    auto toy = toy_with(
        {{"type", "moment"}, {"of", of}, {"off_diagonal", 3}, {"diagonal", 7}, {"beta", 1}});
    torch::NoGradGuard no_gradient;
    const auto q = toy.model->latent->infer(toy.all(), 1).sites[0].posterior;
    const auto mean = q->mean().to(torch::kFloat64), deviation = q->stddev().to(torch::kFloat64);
    const int64_t n = mean.size(0);
    double expected = 0;
    for (int64_t i = 0; i < 3; ++i) {
      for (int64_t j = 0; j < 3; ++j) {
        double covariance = 0;
        const double mi = mean.select(1, i).mean().item<double>();
        const double mj = mean.select(1, j).mean().item<double>();
        for (int64_t r = 0; r < n; ++r) {
          covariance += (mean[r][i].item<double>() - mi) * (mean[r][j].item<double>() - mj) / n;
        }
        if (i == j && of == "draws") {
          covariance += deviation.select(1, i).square().mean().item<double>();
        }
        expected += i == j ? 7 * std::pow(covariance - 1, 2) : 3 * covariance * covariance;
      }
    }
    const auto terms = toy.objective->loss("model", *toy.model, toy.all(), 0);
    CHECK_CLOSE(part(terms, "moment"), expected, kFloatSums);
    CHECK_CLOSE(terms.loss.item<double>(),
                part(terms, "reconstruction") + part(terms, "kl") + expected, kFloatSums);
  }
}

TEST_CASE("the gradient penalty is the squared Jacobian of the decoder") {
  auto toy = toy_with({{"type", "regularized"}, {"decoder", "gradient"}, {"weight", 1}},
                      point_posterior());
  torch::NoGradGuard no_gradient;
  const auto code = toy.model->latent->infer(toy.all(), 1).code;
  double expected = 0;
  const double step = 1e-2;
  for (int64_t k = 0; k < code.size(1); ++k) {
    auto shift = torch::zeros_like(code);
    shift.select(1, k).fill_(step);
    const auto slope =
        (toy.model->decode(code + shift)->mean() - toy.model->decode(code - shift)->mean()) /
        (2 * step);
    expected += slope.square().sum().item<double>() / static_cast<double>(code.size(0));
  }
  const int64_t repeats = 200;
  auto found = torch::empty({repeats}, torch::kFloat64);
  for (int64_t i = 0; i < repeats; ++i) {
    found[i] = part(toy.objective->loss("model", *toy.model, toy.all(), 0), "decoder_gradient");
  }
  const double error = (found.std() / std::sqrt(static_cast<double>(repeats))).item<double>();
  CHECK(std::abs(found.mean().item<double>() - expected) < kStandardErrors * error);
  CHECK(error < 0.05 * expected);
}

TEST_CASE("the gradient of the gradient penalty is that of finite differences") {
  auto toy = toy_with({{"type", "regularized"}, {"decoder", "gradient"}, {"weight", 100}},
                      point_posterior());
  const auto penalised = [&] {
    RandomScope scope(3);
    return toy.objective->loss("model", *toy.model, toy.all(), 0).loss;
  };
  const auto weights = toy.model->decoder->parameters();
  std::vector<Tensor> directions;
  for (const auto& w : weights) directions.push_back(torch::randn_like(w));
  penalised().backward();
  double expected = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    expected += (weights[i].grad() * directions[i]).sum().item<double>();
  }
  torch::NoGradGuard no_gradient;
  const auto moved = [&](double by) {
    for (size_t i = 0; i < weights.size(); ++i) weights[i].data().add_(directions[i], by);
    const double value = penalised().item<double>();
    for (size_t i = 0; i < weights.size(); ++i) weights[i].data().add_(directions[i], -by);
    return value;
  };
  const double step = 1e-3;
  CHECK_CLOSE((moved(step) - moved(-step)) / (2 * step) / expected, 1.0, kFloatDifference);
}

TEST_CASE("the spectral penalty is the sum of squared largest singular values") {
  auto toy = toy_with({{"type", "regularized"}, {"decoder", "spectral"}}, point_posterior());
  torch::NoGradGuard no_gradient;
  double expected = 0;
  for (const auto& p : toy.model->decoder->parameters()) {
    if (p.dim() < 2) continue;
    // A clear gap between the first two, at which ten iterations arrive.
    const auto svd = torch::svd(p);
    auto values = std::get<1>(svd).clone();
    values[0] = 2 * values[1];
    p.data().copy_(std::get<0>(svd).mm(values.diag()).mm(std::get<2>(svd).t()));
    expected += std::pow(values[0].item<double>(), 2);
  }
  const auto terms = toy.objective->loss("model", *toy.model, toy.all(), 0);
  CHECK_CLOSE(part(terms, "decoder_spectral"), expected, kPowerIteration);
}

TEST_CASE("denoising without noise is the ELBO, with noise it asks for the clean data") {
  const Json noise{{"type", "denoising"}, {"amount", 0}, {"beta", 0}};
  auto clean = toy_with({{"type", "elbo"}, {"beta", 0}}, point_posterior());
  auto none = toy_with(noise, point_posterior());
  torch::NoGradGuard no_gradient;
  const auto loss = [](Toy& toy) {
    return toy.objective->loss("model", *toy.model, toy.all(), 0).loss.item<double>();
  };
  CHECK(loss(clean) == loss(none));
  for (const std::string kind : {"gaussian", "dropout", "swap"}) {
    CAPTURE(kind);
    Json some = noise;
    some["noise"] = kind;
    some["amount"] = 1;
    auto noisy = toy_with(some, point_posterior());
    CHECK(loss(noisy) != loss(clean));
  }
  // All blank: every code is that of zeros, and the likelihood is asked for the data.
  Json blank = noise;
  blank["amount"] = 1;
  auto blanked = toy_with(blank, point_posterior());
  const auto x = blanked.all().x;
  const auto code = blanked.model->latent->infer({torch::zeros_like(x), {}, {}, {}}, 1).code;
  const double expected = -blanked.model->decode(code)->row_log_prob(x).mean().item<double>();
  CHECK_CLOSE(loss(blanked), expected, kFloatSums);
}

TEST_CASE("trimming leaves out the rows that fit worst, and nothing where the share is 0") {
  const auto loss = [](const Json& objective, const Batch& batch) {
    auto toy = toy_with(objective);
    torch::manual_seed(5);
    return toy.objective->loss("model", *toy.model, batch, 0).loss.item<double>();
  };
  auto batch = toy_with("elbo").all();
  const Json none{{"type", "trimmed"}, {"share", 0}}, some{{"type", "trimmed"}, {"share", 0.1}};
  CHECK(loss(none, batch) == loss("elbo", batch));
  CHECK(loss(some, batch) < loss("elbo", batch));
  batch.x[3] += 1000;
  CHECK(loss("elbo", batch) > 1000);
  CHECK(loss(some, batch) < 100);
}

TEST_CASE("the KL controller reaches its target") {
  for (const double target : {1.5, 4.0}) {
    CAPTURE(target);
    auto toy = toy_with({{"type", "kl_target"}, {"target", target}, {"integral", 0.01}});
    toy.train(1200, 0.003, 256);
    CHECK_CLOSE(part(toy.validate(), "kl") / target, 1.0, kControlShare);
  }
}

TEST_CASE("the encoder's extra steps end when the information stops rising") {
  auto toy = toy_with({{"type", "aggressive"}, {"inner", 3}, {"window", 2}});
  REQUIRE(toy.objective->players(*toy.model).size() == 4);
  const auto extra = [&] {
    return toy.objective->loss("inference 2", *toy.model, toy.all(), 0).loss.defined();
  };
  CHECK(extra());
  toy.train(2);
  CHECK(extra());
  toy.train(300, 0.01);
  CHECK(!extra());
  toy.train(2);
}

TEST_CASE("a critic of codes finds the total correlation of normals") {
  const double rho = 0.9;
  Arrays arrays;
  const auto e = torch::randn({4096, 2});
  arrays.x = torch::stack(
      {e.select(1, 0), rho * e.select(1, 0) + std::sqrt(1 - rho * rho) * e.select(1, 1)}, 1);
  arrays.schemas.x = {{2}, Kind::kReal, Json::object()};
  const Json linear{{"type", "mlp"}, {"hidden", Json::array()}};
  const Json critic{{"type", "mlp"}, {"hidden", {64, 64}}, {"activation", "elu"}};
  Toy toy(toy_spec({{"latent", {{"size", 2}}},
                    {"encoder", linear},
                    {"posterior", "delta"},
                    {"objective", {{"type", "factor"}, {"critic", critic}}}}),
          in_memory(arrays));
  {
    torch::NoGradGuard no_gradient;
    for (const auto& p : toy.model->latent->named_parameters()) {
      // The encoder is the identity: codes are the data.
      p.value().copy_(p.value().dim() == 2 ? torch::eye(2) : torch::zeros({2}));
    }
    REQUIRE(toy.model->latent->infer(toy.all(), 1).code.equal(toy.all().x));
  }
  toy.train(std::make_shared<OnePlayer>(toy.objective, 1), 800, 0.002, 512);
  const double exact = -0.5 * std::log(1 - rho * rho);
  CHECK_CLOSE(part(toy.validate(), "total_correlation"), exact, kDensityRatioNats);
}

TEST_CASE("a second stage leaves all but the prior, and the prior meets the codes") {
  auto toy = toy_with({{"type", "fit_prior"}, {"samples", 2}},
                      {{"prior", {{"type", "mixture"}, {"components", 1}, {"spread", 3}}}});
  toy.train(800, 0.02, 128);
  torch::NoGradGuard no_gradient;
  const auto codes = toy.model->latent->infer(toy.all(), 1).code;
  const auto drawn = toy.model->latent->generate(4000).code;
  const auto error = codes.std(0) / std::sqrt(static_cast<double>(codes.size(0)));
  CHECK(((codes.mean(0) - drawn.mean(0)).abs() / error).max().item<double>() < kStandardErrors);
}

}  // namespace elbo
