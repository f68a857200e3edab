#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include <cmath>

#include "elbo/core/cpu.h"
#include "tolerance.h"

using namespace elbo;

TEST_CASE("the fast exponential agrees with the library's to a few units in the last place") {
  for (double x = -86; x < 88; x += 0.0137) {
    const double exact = std::exp(static_cast<double>(static_cast<float>(x)));
    CHECK(std::abs(fast_exp(static_cast<float>(x)) / exact - 1) < kFastExp);
  }
  CHECK(fast_exp(0) == 1);
  CHECK(fast_exp(-1000) < 1e-37F);
  CHECK(std::isfinite(fast_exp(1000)));
}

TEST_CASE("the report on the processor names it, its threads and its speed") {
  const auto report = cpu_report(true);
  CHECK(!report.name.empty());
  CHECK(report.threads == at::get_num_threads());
  CHECK(report.cores >= 1);
  CHECK(report.blas_gflops > 0);
  CHECK(report.gflops > 0);
  const auto json = to_json(report);
  CHECK(json.at("notes").is_array());
  CHECK(json.at("threads") == report.threads);
}
