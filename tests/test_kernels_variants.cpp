#include <dlfcn.h>
#include <doctest/doctest.h>

#include <sstream>

#include "near.h"
#include "variants/kernel_outputs.h"

using namespace elbo;

namespace {

bool runs_here(const std::string& variant) {
  __builtin_cpu_init();
  if (variant == "x86-64-v4") {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd");
  }
  if (variant == "x86-64-v3") {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi2");
  }
  return true;
}

Outputs outputs_of(const std::string& library) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  REQUIRE_MESSAGE(handle != nullptr, dlerror());
  const auto run =
      reinterpret_cast<decltype(&elbo_kernel_outputs)>(dlsym(handle, "elbo_kernel_outputs"));
  REQUIRE((run != nullptr));
  Outputs out;
  run(&out);
  return out;  // the library stays: nodes of the graph come from it
}

}  // namespace

TEST_CASE("the kernels for AVX-512, for AVX2 and plain ones compute the same") {
  std::istringstream list(ELBO_KERNEL_VARIANTS);  // "name=library," each, the plain one first
  Outputs plain;
  for (std::string item; std::getline(list, item, ',');) {
    const auto middle = item.find('=');
    const auto variant = item.substr(0, middle);
    CAPTURE(variant);
    if (!runs_here(variant)) {
      MESSAGE("this processor does not run " << variant);
      continue;
    }
    const auto found = outputs_of(item.substr(middle + 1));
    REQUIRE(found.size() > 100);
    if (plain.empty()) plain = found;
    REQUIRE(found.size() == plain.size());
    for (size_t i = 0; i < found.size(); ++i) {
      CAPTURE(found[i].first);
      CHECK(found[i].first == plain[i].first);
      CHECK_CLOSE(found[i].second, plain[i].second, 1e-5);
    }
  }
  CHECK(!plain.empty());
}
