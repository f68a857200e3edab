#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "elbo/host/cpu.h"

using namespace elbo;

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
