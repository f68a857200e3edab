#include <cmath>

#include "elbo/eval/density.h"
#include "near.h"
#include "tolerance.h"
#include "toy.h"

namespace elbo {
namespace {

/// A decoder without hidden layers: x = W z + b + noise, whose evidence is a normal density.
Json linear_spec() {
  const Json line{{"type", "mlp"}, {"hidden", Json::array()}};
  return toy_spec({{"encoder", line}, {"decoder", line}, {"latent", {{"size", 2}}}});
}

/// [N] log p(x) = log N(x; b, W Wᵀ + diag(s²)), read off what the decoder makes of unit codes.
Tensor exact_evidence(Model& model, const Tensor& x_) {
  torch::NoGradGuard no_gradient;
  const auto x = x_.to(torch::kFloat64);
  const auto p = model.decode(torch::cat({torch::zeros({1, 2}), torch::eye(2)}), Tensor());
  const auto made = p->mean().to(torch::kFloat64);
  const auto bias = made[0], weight = (made.narrow(0, 1, 2) - bias).t();
  const auto scale = p->stddev().to(torch::kFloat64).expand_as(made)[0];
  const auto covariance = weight.mm(weight.t()) + torch::diag(scale.square());
  const auto root = torch::linalg_cholesky(covariance);
  const auto whitened = torch::linalg_solve_triangular(root, (x - bias).t(), /*upper=*/false);
  return -0.5 * whitened.square().sum(0) - root.diagonal().log().sum() -
         0.5 * static_cast<double>(x.size(1)) * std::log(2 * M_PI);
}

TEST_CASE("importance-sampled log p(x) of a linear model is its exact evidence") {
  Toy toy(linear_spec(), toy_table());
  toy.train(300, 0.02);
  toy.model->eval();
  EvaluateOptions options;
  options.draws = 5000;
  options.rows = 40;
  const auto result = evaluate_density(*toy.model, *toy.data, options, [](double) {});
  const auto exact = exact_evidence(*toy.model, toy.data->get(torch::arange(40)).x);
  CHECK(std::abs(result["negative_log_likelihood"].get<double>() + exact.mean().item<double>()) <
        kEvidenceNats);
  // The bound lies below it: the posterior of a linear model is correlated, that of q is not.
  CHECK(result["negative_elbo"].get<double>() > result["negative_log_likelihood"].get<double>());
  // The error over rows is that of the exact values, too.
  CHECK_CLOSE(result["negative_log_likelihood_standard_error"].get<double>(),
              exact.std(0, true).item<double>() / std::sqrt(40.0), kEvidenceNats);
}

}  // namespace
}  // namespace elbo
