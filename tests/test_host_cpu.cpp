#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <string>

#include "elbo/core/cpu.h"
#include "elbo/host/cpu.h"
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

TEST_CASE("threads are no more than the cores, what the user says stays, fewer of them are told") {
  const int before = at::get_num_threads();
  const char* said = std::getenv("OMP_NUM_THREADS");
  const std::string kept = said ? said : "";
  const auto cores = cpu_report(false).cores;
  unsetenv("OMP_NUM_THREADS");
  use_threads(1000);
  CHECK(at::get_num_threads() == cores);
  CHECK(note_on_threads().empty());
  use_threads(0);
  CHECK(at::get_num_threads() == 1);
  CHECK((note_on_threads().rfind("1 of ", 0) == 0) == (cores > 1));
  setenv("OMP_NUM_THREADS", "1", 1);
  use_threads(cores);
  CHECK(at::get_num_threads() == 1);
  CHECK(note_on_threads().empty());
  said ? setenv("OMP_NUM_THREADS", kept.c_str(), 1) : unsetenv("OMP_NUM_THREADS");
  at::set_num_threads(before);
}
