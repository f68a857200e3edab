#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "elbo/host/cpu.h"
#include "elbo/host/start.h"
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

TEST_CASE("OpenMP spins as on quiet cores unless a number of threads that stays meets others") {
  const auto spins = [](bool shared, const char* option, const char* variable) {
    const auto restore = [](const char* name, const char* value) {
      value ? setenv(name, std::string(value).c_str(), 1) : unsetenv(name);
    };
    const char* threads = std::getenv("OMP_NUM_THREADS");
    const char* spin = std::getenv("GOMP_SPINCOUNT");
    const auto had_threads = threads ? std::optional<std::string>(threads) : std::nullopt;
    const auto had_spin = spin ? std::optional<std::string>(spin) : std::nullopt;
    unsetenv("GOMP_SPINCOUNT");
    restore("OMP_NUM_THREADS", variable);
    std::string program = "elbo", word = option;
    char* words[] = {program.data(), word.data(), nullptr};
    prepare_openmp(shared, words);
    const std::string result = std::getenv("GOMP_SPINCOUNT");
    restore("OMP_NUM_THREADS", had_threads ? had_threads->c_str() : nullptr);
    restore("GOMP_SPINCOUNT", had_spin ? had_spin->c_str() : nullptr);
    return result;
  };
  if (std::getenv("OMP_WAIT_POLICY")) return;  // the user's own word on it
  const auto quiet = spins(false, "train", nullptr);
  CHECK(spins(true, "train", nullptr) == quiet);  // the threads give way, and come back
  CHECK(spins(true, "--threads=2", nullptr) != quiet);
  CHECK(spins(true, "train", "2") != quiet);
  CHECK(spins(false, "train", "2") == quiet);
}
