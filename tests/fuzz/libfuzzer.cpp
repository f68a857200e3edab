#include <ATen/Parallel.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fuzz/harness.h"

// The program that searches: clang's libFuzzer calls the harness that ELBO_FUZZ names.

namespace {

const elbo::fuzzing::Harness* chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  at::set_num_threads(1);
  static const auto all = elbo::fuzzing::harnesses();
  const char* name = std::getenv("ELBO_FUZZ");
  if (!name) {
    for (const auto& harness : all) std::puts(harness.name.c_str());
    std::exit(0);
  }
  for (const auto& harness : all) {
    if (harness.name == name) chosen = &harness;
  }
  elbo::fuzzing::must(chosen != nullptr, "ELBO_FUZZ: no harness of this name");
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  run_harness(*chosen, {reinterpret_cast<const char*>(data), size});
  return 0;
}
