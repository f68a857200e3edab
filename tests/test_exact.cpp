#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <string>

#include "elbo/core/error.h"
#include "elbo/core/random.h"
#include "elbo/exact/arithmetic.h"
#include "elbo/exact/arrays.h"
#include "elbo/exact/fixed_point.h"
#include "elbo/exact/math.h"
#include "elbo/exact/windows.h"
#include "near.h"
#include "tolerance.h"

// Arithmetic that is equal to the last bit everywhere: near the library's, and the same bits for
// every batch, order and number of threads. The constants are the bits themselves.

namespace elbo {
namespace {

/// Of the bits of float64 numbers (FNV-1a).
uint64_t fingerprint(const std::function<double(double)>& f, double from, double to) {
  constexpr int kPoints = 4001;
  uint64_t hash = 0xcbf29ce484222325;
  for (int i = 0; i < kPoints; ++i) {
    const double value = f(from + (to - from) * i / (kPoints - 1));
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    for (int shift = 0; shift < 64; shift += 8)
      hash = (hash ^ (bits >> shift & 0xff)) * 0x100000001b3;
  }
  return hash;
}

struct KnownFunction {
  std::string name;
  double (*ours)(double);
  double (*library)(double);
  double from, to;
  uint64_t bits;
  double tolerance = kExactFunction;
};

const KnownFunction kFunctions[] = {
    {"exp", exact::exp, std::exp, -80, 80, 4783712764738957069U},
    {"expm1", exact::expm1, std::expm1, -3, 3, 11062691211108958738U},
    {"log", exact::log, std::log, 1e-3, 50, 6863795032736272002U},
    {"log1p", exact::log1p, std::log1p, -0.9, 9, 8091548896690509633U},
    {"tanh", exact::tanh, std::tanh, -9, 9, 5514903275104523017U},
    {"sigmoid", exact::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -40, 40,
     1322265231397097109U},
    {"softplus", exact::softplus, [](double x) { return std::log1p(std::exp(x)); }, -40, 40,
     2140447684811466208U},
    {"erf", exact::erf, std::erf, -5, 5, 138525071721142695U},
    {"normal_cdf", exact::normal_cdf, [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); },
     -9, 9, 8451008804579296044U, 1e-12},  // a difference of numbers near 0.5 below -1
};

TEST_CASE("exact functions are the library's to a few last places, and have the bits they had") {
  for (const auto& f : kFunctions) {
    CAPTURE(f.name);
    for (int i = 0; i <= 1000; ++i) {
      const double x = f.from + (f.to - f.from) * i / 1000, y = f.library(x);
      CHECK(std::fabs(f.ours(x) - y) <= f.tolerance * std::max(std::fabs(y), 1e-300));
    }
    CHECK(fingerprint(f.ours, f.from, f.to) == f.bits);
  }
  for (const double p : {1e-12, 1e-3, 0.1, 0.5, 0.9, 0.999}) {
    CHECK(std::fabs(exact::normal_cdf(exact::normal_quantile(p)) - p) < 1e-13 * p);
  }
  CHECK(exact::exp(-1000) == 0);
  CHECK(std::isinf(exact::exp(1000)));
  CHECK(std::isnan(exact::log(-1)));
  CHECK(exact::exp(-740) > 0);  // a number without leading bits
}

Tensor small_network(const Tensor& pictures, const std::vector<Tensor>& w) {
  auto h = torch::conv2d(pictures, w[0], w[1], 2, 1);
  h = torch::group_norm(h, 2, w[2], w[3]);
  h = torch::silu(torch::conv_transpose2d(h, w[4], {}, 2));
  h = torch::layer_norm(h.flatten(1), {h[0].numel()});
  h = torch::softplus(torch::linear(h, w[5], w[6])).softmax(1);
  return torch::cat({h.log(), torch::logsumexp(h, 1, true), h.mean(1, true).tanh()}, 1);
}

TEST_CASE("a network in exact arithmetic is near the plain one, row by row the same bits") {
  torch::NoGradGuard no_gradient;
  seed_torch(5);
  const std::vector<Tensor> w{
      torch::randn({4, 2, 3, 3}), torch::randn({4}),      torch::randn({4}), torch::randn({4}),
      torch::randn({4, 3, 2, 2}), torch::randn({6, 192}), torch::randn({6})};
  const auto x = torch::randn({9, 2, 8, 8});
  const auto plain = small_network(x, w);
  Tensor all, one_by_one, threaded;
  {
    const ExactArithmetic scope(w);
    all = small_network(x, w);
    std::vector<Tensor> rows;
    for (int64_t i = 0; i < x.size(0); ++i) rows.push_back(small_network(x.narrow(0, i, 1), w));
    one_by_one = torch::cat(rows);
    const int before = at::get_num_threads();
    at::set_num_threads(before == 1 ? 2 : 1);
    threaded = small_network(x, w);
    at::set_num_threads(before);
  }
  CHECK_CLOSE(all, plain, kLayerFloat * 10);
  CHECK(all.equal(one_by_one));
  CHECK(all.equal(threaded));
  CHECK_CLOSE(small_network(x, w), plain, 0);  // outside of the scope nothing has changed
}

TEST_CASE("sums of whole numbers are the same in any order") {
  seed_torch(6);
  const auto x = torch::randn({50, 301}, torch::kFloat64) * torch::randn({50, 1}).exp();
  const auto order = torch::randperm(301);
  CHECK(exact::row_sums(x).equal(exact::row_sums(x.index_select(1, order))));
  CHECK_CLOSE(exact::row_sums(x), x.sum(1), kDoubleSums);
  CHECK_THROWS_AS(exact::row_sums(torch::full({1, 3}, INFINITY)), Error);
}

TEST_CASE("what has no exact form is refused by name") {
  const auto x = torch::ones({3});
  const ExactArithmetic scope;
  CHECK_THROWS_WITH_AS(x.cos(), doctest::Contains("cos"), Error);
  CHECK_THROWS_AS(torch::randn({3}), Error);
}

}  // namespace
TEST_CASE("functions of arrays are those of single numbers, to the last bit") {
  std::vector<double> numbers{0,    -0.0,   0.35,  -0.35, 3.5355, -3.5356,  40,
                              -700, -745.2, 709.7, 710,   -800,   HUGE_VAL, -HUGE_VAL};
  const auto drawn = torch::randn({1000}, torch::kFloat64) * 4;
  numbers.insert(numbers.end(), drawn.data_ptr<double>(), drawn.data_ptr<double>() + 1000);
  struct Function {
    void (*array)(const double*, double*, int64_t);
    double (*single)(double);
  };
  const Function functions[] = {{exact::exp, exact::exp},
                                {exact::tanh, exact::tanh},
                                {exact::sigmoid, exact::sigmoid},
                                {exact::silu, [](double x) { return x * exact::sigmoid(x); }},
                                {exact::normal_cdf, exact::normal_cdf}};
  for (const auto& f : functions) {
    for (size_t n : {size_t{0}, size_t{1}, size_t{7}, size_t{8}, size_t{9}, numbers.size()}) {
      std::vector<double> y(numbers.begin(), numbers.begin() + static_cast<int64_t>(n));
      f.array(y.data(), y.data(), static_cast<int64_t>(n));
      for (size_t i = 0; i < n; ++i) {
        const double one = f.single(numbers[i]);
        const bool same = std::memcmp(&y[i], &one, sizeof one) == 0 || (y[i] != y[i] && one != one);
        REQUIRE_MESSAGE(same, numbers[i], " gives ", y[i], " and ", one);
      }
    }
  }
}

TEST_CASE("sums over windows are those of libtorch's convolution") {
  for (const int64_t kernel : {1, 2, 3, 5}) {
    for (const int64_t stride : {1, 2, 3}) {
      for (const int64_t padding : {0, 1, 2, 4}) {
        const auto x = torch::randint(-999, 1000, {70, 3, 5, 8}, torch::kFloat64);
        const auto w = torch::randint(-999, 1000, {4, 3, kernel, 2}, torch::kFloat64);
        const auto bias = torch::randint(-9, 10, {4}, torch::kFloat64);
        const auto one = [](int64_t rows) { return torch::ones({rows, 1}, torch::kFloat64); };
        const exact::Windows plan{x.sizes().vec(), w.sizes().vec(), {stride, 1}, {padding, 1}};
        const auto y =
            exact::window_sums(plan, {x.flatten(1), one(70)}, {w.view({1, -1}), one(1)}, bias);
        CHECK(y.equal(torch::conv2d(x, w, bias, {stride, 1}, {padding, 1})));
      }
    }
  }
}

}  // namespace elbo
