#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "elbo/host/cpu.h"
#include "elbo/host/threads.h"

using namespace elbo;

TEST_CASE("the report on the processor names it, its threads and its speed") {
  const auto report = cpu_report(true);
  CHECK(!report.name.empty());
  CHECK(report.threads == at::get_num_threads());
  CHECK(report.cores >= 1);
  CHECK(report.blas_gflops > 0);
  CHECK(report.gflops > 0);
  CHECK(report.dnnl == has_dnnl());
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

TEST_CASE("threads follow what others use: a clear change moves them, a small one does not") {
  CHECK(threads_beside(0, 2, 2) == 2);
  CHECK(threads_beside(0.5, 2, 2) == 2);
  CHECK(threads_beside(1, 2, 2) == 1);
  CHECK(threads_beside(5, 2, 2) == 1);    // half of the cores are always used
  CHECK(threads_beside(0.4, 2, 1) == 1);  // not yet free
  CHECK(threads_beside(0.1, 2, 1) == 2);
  CHECK(threads_beside(1, 8, 8) == 7);
  CHECK(threads_beside(3.2, 8, 8) == 5);
  CHECK(threads_beside(7, 8, 8) == 4);
  CHECK(threads_beside(1, 8, 4) == 7);
  CHECK(threads_beside(0, 1, 1) == 1);
  // A load in between leaves the number that it led to.
  for (double others = 0; others < 6; others += 0.05) {
    for (int64_t now = 3; now <= 6; ++now) {
      const auto next = threads_beside(others, 6, now);
      CHECK(threads_beside(others, 6, next) == next);
    }
  }
}
