#include "elbo/exact/math.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "elbo/exact/lanes.h"

namespace elbo::exact {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kRootTwoPi = 0x1.40d931ff62706p+1;

}  // namespace

double power_of_two(int e) {
  if (e < -1022) return e < -1074 ? 0 : 0x1p-1074 * power_of_two(e + 1074);
  if (e > 1023) return kInfinity;
  const uint64_t bits = static_cast<uint64_t>(e + 1023) << 52;
  double value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

double exp(double x) { return lanes::exp(x); }

double expm1(double x) { return lanes::expm1(x); }

double log(double x) {
  if (std::isnan(x) || x < 0) return kNaN;
  if (x == 0) return -kInfinity;
  if (x == kInfinity) return x;
  int e = 0;
  double m = std::frexp(x, &e);  // in [0.5, 1)
  if (m < lanes::kRootHalf) {
    m *= 2;
    --e;
  }
  // log m = 2 artanh(s), |s| < 0.172.
  const double s = (m - 1) / (m + 1), square = s * s;
  constexpr int kTerms = 12;
  double sum = 0;
  for (int n = kTerms; n >= 1; --n) sum = (sum + 1.0 / (2 * n + 1)) * square;
  return e * lanes::kLn2High + (2 * s * (1 + sum) + e * lanes::kLn2Low);
}

double log1p(double x) {
  const double u = 1 + x;
  if (u == 1) return x;
  if (!(u > 0) || u == kInfinity) return log(u);
  return log(u) + (x - (u - 1)) / u;
}

double tanh(double x) { return lanes::tanh(x); }

double sigmoid(double x) { return lanes::sigmoid(x); }

double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

namespace {

/// 1 - erf(x) for x >= kErfSeries, by the continued fraction of Laplace.
double erfc_fraction(double x) {
  constexpr int kTerms = 60;
  double below = x;
  for (int n = kTerms; n >= 1; --n) below = x + n * 0.5 / below;
  return exp(-x * x) / below * (lanes::kTwoOverRootPi / 2);
}

}  // namespace

double erf(double x) {
  const double a = std::fabs(x);
  const double value = a < lanes::kErfSeries ? lanes::erf_series(a) : 1 - erfc_fraction(a);
  return x < 0 ? -value : value;
}

double normal_cdf(double x) {
  if (std::isnan(x)) return x;
  const double a = std::fabs(x) * lanes::kRootHalf;
  const double above =
      a < lanes::kErfSeries ? 0.5 - 0.5 * lanes::erf_series(a) : 0.5 * erfc_fraction(a);
  return x < 0 ? above : 1 - above;
}

double normal_quantile(double p) {
  if (p > 0.5) return -normal_quantile(1 - p);
  // Newton's steps on log P, which is concave: from the left they stay there and rise.
  double x = p > 0.02 ? -2.5 : -std::sqrt(-2 * log(p));
  const double target = log(p);
  for (int i = 0; i < 60; ++i) {
    const double below = normal_cdf(x);
    const double slope = exp(-0.5 * x * x) / kRootTwoPi / below;
    const double step = (target - log(below)) / slope;
    x += step;
    if (std::fabs(step) < 1e-14) break;
  }
  return x;
}

double pow(double x, double y) {
  constexpr double kMostProducts = 8;
  if (y == std::floor(y) && std::fabs(y) <= kMostProducts) {
    double product = 1;
    for (int i = 0; i < static_cast<int>(std::fabs(y)); ++i) product *= x;
    return y < 0 ? 1 / product : product;
  }
  if (y == 0.5) return std::sqrt(x);
  if (y == -0.5) return 1 / std::sqrt(x);
  return exp(y * log(x));
}

}  // namespace elbo::exact
