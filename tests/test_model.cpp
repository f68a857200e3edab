#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "elbo/eval/density.h"
#include "elbo/train/trainer.h"
#include "tolerance.h"

namespace elbo {
namespace {

constexpr double kLogTwoPi = 1.8378770664093453;

/// log N(x; mean, covariance) per row, float64.
Tensor gaussian_log_prob(const Tensor& x, const Tensor& mean, const Tensor& covariance) {
  const auto centred = (x - mean).to(torch::kFloat64);
  const auto L = torch::linalg_cholesky(covariance);
  const auto u = std::get<0>(torch::triangular_solve(centred.t(), L, false));
  return -0.5 * (u.square().sum(0) + centred.size(1) * kLogTwoPi) - L.diagonal().log().sum();
}

/// Rows of x = W z + mean + noise, and the sample covariance's own optimum.
struct LinearGaussian {
  Tensor x, W, mean;
  double sigma = 0.5;
  LinearGaussian() {
    torch::manual_seed(3);
    W = torch::randn({8, 2});
    mean = torch::randn({8});
    x = torch::randn({2000, 2}).mm(W.t()) + mean + sigma * torch::randn({2000, 8});
  }
  Tensor covariance() const {
    return (W.mm(W.t()) + sigma * sigma * torch::eye(8)).to(torch::kFloat64);
  }
  /// Mean log likelihood of probabilistic PCA at its maximum, rank 2 (Tipping & Bishop 1999).
  double ppca_optimum() const {
    const auto X = x.to(torch::kFloat64);
    const auto centred = X - X.mean(0);
    const auto S = centred.t().mm(centred) / X.size(0);
    const auto values = std::get<0>(torch::linalg_eigh(S, "L"));  // ascending
    const double noise = values.slice(0, 0, 6).mean().item<double>();
    const double log_det = values.slice(0, 6, 8).log().sum().item<double>() + 6 * std::log(noise);
    return -0.5 * (8 * kLogTwoPi + log_det + 8);
  }
  Data data() const {
    Arrays arrays;
    arrays.x = x;
    arrays.schemas.x = {{8}, Kind::kReal, Json::object()};
    return in_memory(arrays);
  }
};

Json linear_model_spec() {
  Json spec = default_spec();
  spec["latent"] = {{"type", "flat"}, {"size", 2}};
  spec["encoder"] = spec["decoder"] = {{"type", "mlp"}, {"hidden", Json::array()}};
  spec["posterior"] = {{"type", "normal"}, {"scale", "feature"}};
  spec["likelihood"] = {{"type", "normal"}, {"scale", "learned"}};
  return spec;
}

Tensor parameter(const Model& model, const std::string& ending) {
  for (const auto& p : model.named_parameters()) {
    if (p.key().ends_with(ending)) return p.value();
  }
  FAIL("no parameter " << ending);
  return Tensor();
}

TEST_CASE("a linear model trained by the ELBO reaches the optimum of probabilistic PCA") {
  const LinearGaussian truth;
  const auto data = truth.data();
  auto spec = resolve(linear_model_spec(), data->schemas());
  auto model = build(spec, data->schemas());
  auto objective = build_objective(spec, data->schemas(), *model, data->size());
  TrainOptions options;
  options.steps = 4000;
  options.batch = 500;
  options.lr = Schedule("cosine(0.02, 0.0001, 4000)");
  Trainer(model, objective, options).fit(data, nullptr);

  EvaluateOptions judge;
  judge.draws = 500;
  const auto result = evaluate_density(*model, *data, judge, [](double) {});
  const double elbo = -result["negative_elbo"].get<double>();
  const double importance = -result["negative_log_likelihood"].get<double>();
  // Exact evidence of the trained model: x ~ N(b, W W^T + sigma^2 I).
  torch::NoGradGuard no_gradient;
  const auto code0 = model->decode(torch::zeros({1, 2}))->mean();
  const auto columns = model->decode(torch::eye(2))->mean() - code0;  // [2, 8]
  const double sigma = model->decode(torch::zeros({1, 2}))->stddev().flatten()[0].item<double>();
  const auto covariance =
      (columns.t().mm(columns) + sigma * sigma * torch::eye(8)).to(torch::kFloat64);
  const double exact = gaussian_log_prob(truth.x, code0, covariance).mean().item<double>();

  const double optimum = truth.ppca_optimum();
  CHECK(elbo <= importance + kMonteCarloNats);
  CHECK(importance <= exact + kMonteCarloNats);
  CHECK(exact <= optimum + kMonteCarloNats);
  CHECK(elbo >= optimum - kPpcaNats);
}

TEST_CASE("importance sampling in blocks equals one block") {
  const LinearGaussian truth;
  const auto data = truth.data();
  auto model = build(resolve(linear_model_spec(), data->schemas()), data->schemas());
  torch::NoGradGuard no_gradient;
  const auto batch = data->get(torch::arange(50));
  RandomScope scope(1);
  const auto one = importance_log_prob(*model, batch, 4000, 4000);
  const auto many = importance_log_prob(*model, batch, 4000, 300);
  CHECK(one.sizes() == torch::IntArrayRef({50}));
  CHECK((one - many).mean().abs().item<double>() < kImportanceBlocksNats);
}

TEST_CASE("particles are an S-fold tiling with S outermost") {
  const auto x = torch::arange(6).view({3, 2});
  const auto tiled = tile(x, 2);
  CHECK(tiled.sizes() == torch::IntArrayRef({6, 2}));
  CHECK(tiled.slice(0, 3, 6).equal(x));
  CHECK(!tile(Tensor(), 3).defined());
}

TEST_CASE("a masked cell takes no part in a row's density, whatever it holds") {
  const auto density = torch::tensor({{1.0, std::nan("")}, {2.0, 3.0}});
  const auto mask = torch::tensor({{1.0, 0.0}, {1.0, 1.0}});
  CHECK(row_sum(density, mask).equal(torch::tensor({1.0, 5.0})));
}

TEST_CASE("doubly reparameterised and plain IWAE gradients have the same mean for the encoder") {
  const LinearGaussian truth;
  const auto data = truth.data();
  auto model = build(resolve(linear_model_spec(), data->schemas()), data->schemas());
  const auto batch = data->get(torch::arange(20));
  const auto weight = parameter(*model, "latent.encoder.out.weight");
  const auto gradients = [&](const std::string& kind) {
    Json spec = linear_model_spec();
    spec["objective"] = {{"type", "importance"}, {"samples", 5}, {"gradient", kind}};
    auto objective = build_objective(spec, data->schemas(), *model, data->size());
    torch::manual_seed(1);
    const int64_t repeats = 1500;
    auto sum = torch::zeros_like(weight, torch::kFloat64), squares = sum.clone();
    for (int64_t i = 0; i < repeats; ++i) {
      const auto g =
          torch::autograd::grad({objective->loss("model", *model, batch, 0).loss}, {weight})[0].to(
              torch::kFloat64);
      sum += g;
      squares += g.square();
    }
    const auto mean = sum / repeats;
    return std::make_pair(mean, (squares / repeats - mean.square()) / repeats);
  };
  const auto [plain, plain_variance] = gradients("plain");
  const auto [dreg, dreg_variance] = gradients("dreg");
  const auto z = (plain - dreg).abs() / (plain_variance + dreg_variance).sqrt();
  CHECK(z.max().item<double>() < kStandardErrors);
  CHECK(dreg_variance.sum().item<double>() < plain_variance.sum().item<double>());
}

TEST_CASE("options are set by dotted names, and unknown ones are refused by name") {
  Json spec = default_spec();
  set_option(spec, "objective.beta=4");
  set_option(spec, "posterior.min_log_scale=-3");
  CHECK(spec["objective"]["beta"] == 4);
  CHECK(spec["posterior"] == Json{{"type", "normal"}, {"min_log_scale", -3}});
  Schemas data;
  data.x = {{8}, Kind::kReal, Json::object()};
  spec["posterior"]["min_log_scal"] = 1;
  CHECK_THROWS_WITH_AS(build(resolve(spec, data), data), doctest::Contains("min_log_scal"), Error);
  Json bad = default_spec();
  bad["postirior"] = "normal";
  CHECK_THROWS_WITH_AS(resolve(bad, data), doctest::Contains("postirior"), Error);
  CHECK_THROWS_WITH_AS(model_spec("beta_va"), doctest::Contains("known: "), Error);
}

TEST_CASE("schedules reach their ends and read epochs") {
  CHECK(Schedule("linear(0, 1, 10)").at(5) == doctest::Approx(0.5));
  CHECK(Schedule("linear(0, 1, 10)").at(kEndOfTraining) == 1);
  CHECK(Schedule("cycle(0, 1, 10, 0.5)").at(17) == 1);
  CHECK(Schedule("cosine(1, 0, 10)").at(10) == doctest::Approx(0));
  CHECK(Schedule("linear(0, 1, 2e)").in_steps(50).at(50) == doctest::Approx(0.5));
  CHECK_THROWS_AS(Schedule("linear(0, 1)"), Error);
  CHECK_THROWS_AS(Schedule("linear(0, x, 3)"), Error);
  CHECK_THROWS_AS(Schedule("wave(0, 1, 3)"), Error);
}

}  // namespace
}  // namespace elbo
