#include <cmath>

#include "elbo/distributions/continuous.h"
#include "elbo/objectives/correlation.h"
#include "elbo/objectives/critic.h"
#include "elbo/objectives/discrepancy.h"
#include "elbo/objectives/similarity.h"
#include "near.h"
#include "tolerance.h"
#include "toy.h"

// The quantities that objectives minimise, against known values and plain loops.

namespace elbo {
namespace {

constexpr double kNormalConstant = 1.8378770664093453;

double number(const Tensor& t, int64_t i, int64_t j) { return t[i][j].item<double>(); }

/// sum over s of C / (C + |a-b|^2), C = 2 s d variance.
double imq(const Tensor& a, int64_t i, const Tensor& b, int64_t j, double variance) {
  double square = 0, sum = 0;
  for (int64_t k = 0; k < a.size(1); ++k) square += std::pow(number(a, i, k) - number(b, j, k), 2);
  for (const double s : {.1, .2, .5, 1., 2., 5., 10.}) {
    const double C = 2 * s * static_cast<double>(a.size(1)) * variance;
    sum += C / (C + square);
  }
  return sum;
}

Site normal_site(const Tensor& mean, const Tensor& log_scale, const Tensor& z) {
  Site site{"z", z, Tensor(), std::make_shared<Normal>(mean, Log(log_scale.expand_as(mean))),
            std::make_shared<StandardNormal>(Shape{mean.size(1)})};
  site.log_q = site.posterior->log_prob(z);
  return site;
}

KlParts parts_of(const Site& site, int64_t rows, const std::string& estimator) {
  return split_kl(pairwise_log_prob(site, "test"), site.log_prior(), rows, estimator);
}

double log_normal(double x, double mean, double scale) {
  return -0.5 * (std::pow((x - mean) / scale, 2) + kNormalConstant) - std::log(scale);
}

}  // namespace

TEST_CASE("the mean discrepancy is that of a double loop") {
  const auto x = torch::randn({9, 3}), y = 0.5 + 2 * torch::randn({9, 3});
  for (const double variance : {1.0, 4.0}) {
    double within = 0, across = 0;
    for (int64_t i = 0; i < 9; ++i) {
      for (int64_t j = 0; j < 9; ++j) {
        if (i != j) within += imq(x, i, x, j, variance) + imq(y, i, y, j, variance);
        across += imq(x, i, y, j, variance);
      }
    }
    const double expected = within / (9 * 8) - 2 * across / 81;
    CHECK_CLOSE(mmd(x, y, "imq", variance).item<double>(), expected, kFloatSums);
  }
  CHECK(mmd(x.narrow(0, 0, 1), y.narrow(0, 0, 1), "imq").item<double>() == 0);
}

TEST_CASE("the mean discrepancy of two samples of one distribution is zero on average") {
  for (const std::string kernel : {"imq", "rbf"}) {
    const int64_t repeats = 60;
    auto same = torch::empty({repeats}, torch::kFloat64), other = same.clone();
    for (int64_t i = 0; i < repeats; ++i) {
      const auto x = torch::randn({100, 4});
      same[i] = mmd(x, torch::randn({100, 4}), kernel);
      other[i] = mmd(x, 1 + torch::randn({100, 4}), kernel);
    }
    const auto errors = [&](const Tensor& values) {
      return (values.mean() / (values.std() / std::sqrt(static_cast<double>(repeats))))
          .item<double>();
    };
    CHECK(std::abs(errors(same)) < kStandardErrors);
    CHECK(errors(other) > kStandardErrors);
  }
}

TEST_CASE("the sliced distance of shifted normals is the squared shift over the dimension") {
  const auto shift = torch::tensor({3.0F, -1.0F, 0.5F, 2.0F, 0.0F});
  const auto x = torch::randn({4000, 5}), y = torch::randn({4000, 5}) + shift;
  const double expected = shift.square().sum().item<double>() / 5;
  CHECK_CLOSE(sliced_wasserstein(x, y, 2000).item<double>() / expected, 1.0, kSlicedShare);
  CHECK(sliced_wasserstein(x, x, 10).item<double>() == 0);
}

TEST_CASE("q(z) from the whole data set is the mixture of its posteriors") {
  const auto mean = torch::randn({5, 2}), log_scale = torch::full({2}, std::log(0.7));
  const auto z = mean + 0.7 * torch::randn({5, 2});
  const auto found = parts_of(normal_site(mean, log_scale, z), 5, "mss");
  double information = 0, correlation = 0, dimensions = 0;
  for (int64_t i = 0; i < 5; ++i) {
    double joint = 0, marginal[2] = {0, 0};
    for (int64_t j = 0; j < 5; ++j) {
      const double a = std::exp(log_normal(number(z, i, 0), number(mean, j, 0), 0.7));
      const double b = std::exp(log_normal(number(z, i, 1), number(mean, j, 1), 0.7));
      joint += a * b / 5;
      marginal[0] += a / 5;
      marginal[1] += b / 5;
    }
    const double own = log_normal(number(z, i, 0), number(mean, i, 0), 0.7) +
                       log_normal(number(z, i, 1), number(mean, i, 1), 0.7);
    const double product = std::log(marginal[0]) + std::log(marginal[1]);
    const double prior = log_normal(number(z, i, 0), 0, 1) + log_normal(number(z, i, 1), 0, 1);
    information += (own - std::log(joint)) / 5;
    correlation += (std::log(joint) - product) / 5;
    dimensions += (product - prior) / 5;
  }
  CHECK_CLOSE(found.information.item<double>(), information, kFloatSums);
  CHECK_CLOSE(found.correlation.item<double>(), correlation, kFloatSums);
  CHECK_CLOSE(found.dimensions.item<double>(), dimensions, kFloatSums);
}

TEST_CASE("a row's own posterior weighs 1/N in the stratified estimate, the others the rest") {
  const auto mean = torch::tensor({{-1.0F}, {1.0F}}), z = torch::tensor({{-0.5F}, {0.2F}});
  const auto site = normal_site(mean, torch::zeros({1}), z);
  const auto density = [&](int64_t i, int64_t j) {
    return std::exp(log_normal(number(z, i, 0), number(mean, j, 0), 1));
  };
  double stratified = 0, weighted = 0;
  for (int64_t i = 0; i < 2; ++i) {
    const double own = density(i, i), other = density(i, 1 - i);
    stratified += 0.5 * std::log(own / (0.1 * own + 0.9 * other));
    weighted += 0.5 * std::log(own / ((own + other) / 20));
  }
  CHECK_CLOSE(parts_of(site, 10, "mss").information.item<double>(), stratified, kFloatSums);
  CHECK_CLOSE(parts_of(site, 10, "mws").information.item<double>(), weighted, kFloatSums);
  const auto one = normal_site(mean.narrow(0, 0, 1), torch::zeros({1}), z.narrow(0, 0, 1));
  CHECK(parts_of(one, 10, "mss").information.item<double>() == 0);
}

TEST_CASE("the three parts of the KL are those of a linear normal model") {
  const int64_t n = 2000;
  const double noise = 0.4;
  const auto root = torch::tensor({{1.0F, 0.0F}, {0.9F, 0.5F}});
  const auto mean = torch::randn({n, 2}).mm(root.t());
  const auto z = mean + noise * torch::randn({n, 2});
  const auto found = parts_of(normal_site(mean, torch::full({2}, std::log(noise)), z), n, "mss");
  // q(z) = N(0, C): C = root root^T + noise^2 I.
  const double a = 1 + noise * noise, b = 0.81 + 0.25 + noise * noise, c = 0.9;
  const double det = a * b - c * c;
  const double correlation = 0.5 * std::log(a * b / det);
  const double information = 0.5 * std::log(det) - 2 * std::log(noise);
  const double dimensions = 0.5 * (a + b - 2 - std::log(a * b));
  CHECK(std::abs(found.correlation.item<double>() - correlation) < kKlPartsNats);
  CHECK(std::abs(found.information.item<double>() - information) < kKlPartsNats);
  CHECK(std::abs(found.dimensions.item<double>() - dimensions) < kKlPartsNats);
}

TEST_CASE("structural similarity of a single window is that of plain sums") {
  const auto x = torch::rand({2, 1, 11, 11}), y = (x + 0.3 * torch::rand_like(x)).clamp(0, 1);
  const auto found = ms_ssim(x, y);
  for (int64_t row = 0; row < 2; ++row) {
    double weights = 0, mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (int64_t i = 0; i < 11; ++i) {
      for (int64_t j = 0; j < 11; ++j) {
        const double w = std::exp(-((i - 5) * (i - 5) + (j - 5) * (j - 5)) / (2 * 1.5 * 1.5));
        const double a = number(x[row][0], i, j), b = number(y[row][0], i, j);
        weights += w;
        mx += w * a, my += w * b, xx += w * a * a, yy += w * b * b, xy += w * a * b;
      }
    }
    mx /= weights, my /= weights, xx /= weights, yy /= weights, xy /= weights;
    const double structure = (2 * (xy - mx * my) + 9e-4) / (xx - mx * mx + yy - my * my + 9e-4);
    const double expected = (2 * mx * my + 1e-4) / (mx * mx + my * my + 1e-4) * structure;
    CHECK_CLOSE(found[row].item<double>(), expected, kFloatSums);
  }
}

TEST_CASE("structural similarity is 1 for equal images, falls with noise, and takes any size") {
  for (const int64_t side : {3, 8, 28, 64, 180}) {
    CAPTURE(side);
    const auto x = torch::rand({2, 3, side, side}), noise = torch::randn_like(x);
    CHECK_CLOSE(ms_ssim(x, x), torch::ones({2}), kFloatSums);
    const auto little = ms_ssim(x, x + 0.05 * noise), much = ms_ssim(x, x + 0.5 * noise);
    CHECK((little > much).all().item<bool>());
    CHECK((little < 1).all().item<bool>());
    CHECK_CLOSE(ms_ssim(x + 0.05 * noise, x), little, kFloatSums);
  }
}

TEST_CASE("a critic's losses are least where the logits are right") {
  const auto high = torch::full({8}, 5.0F), low = -high;
  for (const auto& kind : kCriticLosses) {
    CAPTURE(kind);
    CHECK(critic_loss(high, low, kind).item<double>() < 0.1);
    CHECK(critic_loss(low, high, kind).item<double>() > 5);
    CHECK(maker_loss(high, kind).item<double>() < maker_loss(low, kind).item<double>());
  }
}

}  // namespace elbo
