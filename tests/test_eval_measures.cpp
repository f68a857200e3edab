#include <cmath>

#include "distributions_table.h"
#include "elbo/distributions/continuous.h"
#include "elbo/eval/boosting.h"
#include "elbo/eval/disentanglement.h"
#include "elbo/eval/information.h"
#include "elbo/eval/linear.h"
#include "elbo/eval/picture_error.h"
#include "elbo/eval/sample_distance.h"
#include "elbo/eval/votes.h"
#include "elbo/objectives/similarity.h"
#include "files.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

const Json& golden_metrics(const char* part) {
  static const Json j = golden("metrics.json");
  return j.at(part);
}

/// A JSON list of numbers, or list of lists, in one pass.
Tensor table(const Json& j) {
  Shape shape;
  for (const Json* at = &j; at->is_array(); at = &at->at(0)) {
    shape.push_back(static_cast<int64_t>(at->size()));
  }
  std::vector<double> values;
  const std::function<void(const Json&)> walk = [&](const Json& part) {
    if (!part.is_array()) return values.push_back(part.get<double>());
    for (const auto& item : part) walk(item);
  };
  walk(j);
  return torch::tensor(values, torch::kFloat64).view(shape);
}
Tensor classes(const Json& j) { return table(j).to(torch::kInt64); }

void check_value(double found, const Json& expected, double tolerance = kGoldenMetric) {
  CHECK_CLOSE(found, expected.get<double>(), tolerance);
}

TEST_CASE("distances of two samples are the golden values") {
  const auto& g = golden_metrics("samples");
  const auto x = table(g["x"]), y = table(g["y"]);
  check_value(frechet_distance(x, y), g["frechet"]);
  check_value(kernel_distance(x, y), g["kernel"]);
  const auto c = neighbour_coverage(x, y, g["k"]);
  check_value(c.precision, g["precision"]);
  check_value(c.recall, g["recall"]);
  check_value(c.density, g["density"]);
  check_value(c.coverage, g["coverage"]);
}

TEST_CASE("a sample has no distance to itself, and a shift has its square") {
  const auto x = torch::randn({300, 4}, torch::kFloat64);
  CHECK_CLOSE(frechet_distance(x, x), 0.0, kGoldenMetric);
  CHECK_CLOSE(frechet_distance(x, x + 2), 16.0, kGoldenMetric);
  const auto c = neighbour_coverage(x, x, 3);
  CHECK(c.precision == 1);
  CHECK(c.coverage == 1);
  CHECK(error_of([&] { frechet_distance(x, x.narrow(1, 0, 3)); }).find("same width") !=
        std::string::npos);
}

TEST_CASE("errors of pictures are the golden values") {
  const auto& g = golden_metrics("pictures");
  const auto x = table(g["x"]), e = table(g["y"]);
  const auto error = picture_error(x, e);
  CHECK_CLOSE(error.squared, table(g["squared"]), kGoldenMetric);
  CHECK_CLOSE(error.peak_ratio, table(g["peak_ratio"]), kGoldenMetric);
  CHECK_CLOSE(error.similarity, table(g["similarity"]), kGoldenMetric);
  CHECK_CLOSE(gradient_energy(x), table(g["gradient"]), kGoldenMetric);
  const auto same = picture_error(x, x);
  CHECK_CLOSE(same.similarity, torch::ones({3}), kGoldenMetric);
  CHECK_CLOSE(same.multi_scale_similarity, torch::ones({3}), kGoldenMetric);
}

TEST_CASE("similarity over five scales is the golden value") {
  const auto& g = golden_metrics("pictures")["waves"];
  const auto wide = torch::kFloat64;
  const auto i = torch::arange(g["height"].get<int64_t>(), wide).unsqueeze(1),
             j = torch::arange(g["width"].get<int64_t>(), wide);
  const auto x = 0.5 + 0.3 * (0.013 * i * j).sin() + 0.2 * (0.4 * i - 0.09 * j).cos();
  const auto y = x + 0.1 * (1.7 * i + 2.3 * j).sin() * (0.02 * i).cos();
  const auto picture = [](const Tensor& t) { return t.unsqueeze(0).unsqueeze(0); };
  check_value(ssim(picture(x), picture(y)).item<double>(), g["similarity"]);
  check_value(ms_ssim(picture(x), picture(y)).item<double>(), g["multi_scale"]);
}

Dist normals(const Tensor& loc, const Tensor& scale) {
  return std::make_shared<Normal>(loc, scale);
}

TEST_CASE("information of codes is the golden value, and its parts add up") {
  const auto& g = golden_metrics("information");
  const auto mean = table(g["mean"]), deviation = table(g["deviation"]), z = table(g["z"]);
  const auto log_prior = -0.5 * z.square() - 0.5 * std::log(2 * M_PI);
  const auto found = code_information({normals(mean, deviation)}, z, log_prior.sum(1), log_prior);
  check_value(found.information, g["information"]);
  check_value(found.gap, g["gap"]);
  check_value(found.total_correlation, g["total_correlation"]);
  CHECK_CLOSE(found.dimension_information, table(g["dimension_information"]), kGoldenMetric);
  CHECK_CLOSE(found.dimension_gap, table(g["dimension_gap"]), kGoldenMetric);
  // KL(q(z) || p(z)) is the total correlation and the gaps of the dimensions (Chen et al. 2018).
  CHECK_CLOSE(found.gap, found.total_correlation + found.dimension_gap.sum().item<double>(),
              kGoldenMetric);
}

TEST_CASE("rows with codes of their own inform by the logarithm of their number") {
  const auto mean = 100 * torch::arange(50, torch::kFloat64).view({50, 1});
  const auto found = code_information({normals(mean.narrow(0, 0, 20), torch::ones({20, 1})),
                                       normals(mean.narrow(0, 20, 30), torch::ones({30, 1}))},
                                      mean, torch::zeros({50}, torch::kFloat64));
  CHECK_CLOSE(found.information, std::log(50.0), kGoldenMetric);
}

TEST_CASE("readers of codes agree with scikit-learn") {
  const auto& g = golden_metrics("probes");
  const auto x = table(g["x"]), test_x = table(g["test_x"]);
  const auto y = classes(g["y"]);
  const auto logistic = fit_logistic(x, y, 3);
  CHECK_CLOSE(logistic.probabilities(test_x), table(g["probabilities"]), kGoldenMetric);
  CHECK(torch::equal(nearest_classes(x, y, test_x, 5, 3), classes(g["nearest"])));
  for (int64_t j = 0; j < 4; ++j) {
    CAPTURE(j);
    const auto found = svm_classes(x.select(1, j), y, test_x.select(1, j), 3);
    CHECK(torch::equal(found, classes(g["svm"][static_cast<size_t>(j)])));
  }
  const auto two = svm_classes(x.select(1, 0), (y > 0).to(torch::kInt64), test_x.select(1, 0), 2);
  CHECK(torch::equal(two, classes(g["svm_two"])));
}

TEST_CASE("disentanglement scores are the golden values") {
  const auto& g = golden_metrics("disentanglement");
  const FactorSplit s{table(g["codes"]), classes(g["factors"]), table(g["test_codes"]),
                      classes(g["test_factors"])};
  CHECK_CLOSE(discrete_information(s.train_codes, s.train_factors), table(g["information"]),
              kGoldenMetric);
  check_value(information_gap(s.train_codes, s.train_factors), g["mig"]);
  check_value(modularity(s.train_codes, s.train_factors), g["modularity"]);
  check_value(interventional_robustness(s.train_codes, s.train_factors), g["irs"]);
  check_value(explicitness(s), g["explicitness"]);
  check_value(attribute_gap(s), g["sap"]);
  const auto groups = [](const Json& j) {
    return Groups{classes(j["rows"]), classes(j["factor"])};
  };
  const auto& f = g["factor_vae"];
  const auto votes = factor_vae_score(s.train_codes, groups(f["train"]), groups(f["test"]), 3);
  check_value(votes.score, f["score"]);
  CHECK(votes.active_codes == 4);
  const auto& b = g["beta_vae"];
  check_value(beta_vae_score(s.train_codes, groups(b["train"]), groups(b["test"]), 3), b["score"]);
}

TEST_CASE("boosted trees and the scores of their importances are scikit-learn's") {
  const auto& g = golden_metrics("disentanglement").at("dci");
  const FactorSplit s{table(g["codes"]), classes(g["factors"]), table(g["test_codes"]),
                      classes(g["test_factors"])};
  const auto expected = table(g["importance"]);
  for (int64_t k = 0; k < 2; ++k) {
    CAPTURE(k);
    const auto trees =
        boost_trees(s.train_codes, s.train_factors.select(1, k), s.test_codes, k == 0 ? 3 : 2);
    CHECK_CLOSE(trees.importance, expected.select(1, k), kGoldenMetric);
  }
  const auto found = dci(s);
  check_value(found.disentanglement, g["disentanglement"]);
  check_value(found.completeness, g["completeness"]);
  check_value(found.informativeness, g["informativeness"]);
}

TEST_CASE("codes that are the factors score best, constant codes score nothing") {
  const auto factors = torch::randint(4, {600, 2}, torch::kInt64);
  const auto groups = [&](bool pairs) { return draw_groups(factors, 200, 16, pairs); };
  const auto perfect = factors.to(torch::kFloat64);
  CHECK_CLOSE(information_gap(perfect, factors), 1.0, kRandomFactors);
  CHECK_CLOSE(modularity(perfect, factors), 1.0, kRandomFactors);
  CHECK(factor_vae_score(perfect, groups(false), groups(false), 2).score == 1);
  CHECK(beta_vae_score(perfect, groups(true), groups(true), 2) == 1);
  const auto constant = torch::full({600, 2}, 0.5, torch::kFloat64);
  CHECK(information_gap(constant, factors) == 0);
  CHECK(modularity(constant, factors) == 0);
  CHECK(interventional_robustness(constant, factors) == 0);
  CHECK(factor_vae_score(constant, groups(false), groups(false), 2).score == 0);
}

TEST_CASE("groups hold one factor and nothing else") {
  const auto factors = torch::randint(5, {500, 3}, torch::kInt64);
  const auto g = draw_groups(factors, 100, 32, false);
  const auto values = factors.index_select(0, g.rows.flatten()).view({100, 32, 3});
  const auto same = (values == values.narrow(1, 0, 1)).all(1);  // [groups, factors]
  CHECK(same.gather(1, g.factor.unsqueeze(1)).all().item<bool>());
  CHECK(same.sum().item<int64_t>() == 100);
}

TEST_CASE("factors become classes; many values become bins") {
  const auto factors = torch::stack(
      {torch::tensor({3.f, 1.f, 3.f, 7.f}).repeat({25}), torch::linspace(0, 1, 100)}, 1);
  const auto found = factor_classes(factors);
  CHECK(torch::equal(found.select(1, 0).narrow(0, 0, 4), torch::tensor({1, 0, 1, 2})));
  CHECK(found.select(1, 1).max().item<int64_t>() == 19);
}

}  // namespace
}  // namespace elbo
