#define DOCTEST_CONFIG_IMPLEMENT
#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include "elbo/core/random.h"

namespace {

// Every case starts from the same seed, so that none depends on which ran before it.
struct SeedEachCase : doctest::IReporter {
  explicit SeedEachCase(const doctest::ContextOptions&) {}
  void test_case_start(const doctest::TestCaseData&) override { elbo::seed_torch(0); }
  void test_case_reenter(const doctest::TestCaseData&) override { elbo::seed_torch(0); }
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};
DOCTEST_REGISTER_LISTENER("seed", 1, SeedEachCase);

}  // namespace

int main(int argc, char** argv) {
  // Tiny tensors on many threads cost more than they gain.
  at::set_num_threads(1);
  elbo::seed_torch(0);
  return doctest::Context(argc, argv).run();
}
