// Writing rows of tokens with a remembered state, against reading the prefix anew for each token:
//   bench_decode [rows] [hidden]
#include <chrono>
#include <iostream>

#include "elbo/host/cpu.h"
#include "elbo/core/random.h"
#include "elbo/nn/sequence.h"

namespace {

using elbo::Tensor;

constexpr int64_t kSteps = 64, kIn = 64, kContext = 64;

template <class F>
double seconds_of(const F& f) {
  f();
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void compare(const std::string& name, int64_t rows, int64_t hidden) {
  torch::NoGradGuard no_gradient;
  const elbo::Json declared{{"type", name},
                            {name == "transformer" ? "features" : "hidden", hidden}};
  const auto network = elbo::sequence_networks().make({kIn, kSteps, kContext}, declared);
  const auto x = torch::randn({rows, kSteps, kIn}), c = torch::randn({rows, kContext});
  const double cached = seconds_of([&] {
    const auto state = network->begin(rows, c);
    for (int64_t t = 0; t < kSteps; ++t) state->step(x.select(1, t));
  });
  const double anew = seconds_of([&] {
    for (int64_t t = 1; t <= kSteps; ++t) {
      const elbo::Packing packing(torch::full({rows}, t, torch::kInt64), t);
      network->forward(packing.packed(x.narrow(1, 0, t)), c, packing);
    }
  });
  std::cout << elbo::Json{{"network", name},    {"rows", rows},   {"hidden", hidden},
                          {"cached_s", cached}, {"anew_s", anew}, {"ratio", anew / cached}}
            << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  elbo::prepare_cpu(argv);
  elbo::seed_torch(0);
  const int64_t rows = argc > 1 ? std::stoll(argv[1]) : 64;
  const int64_t hidden = argc > 2 ? std::stoll(argv[2]) : 256;
  for (const auto& entry : elbo::sequence_networks().entries()) compare(entry.name, rows, hidden);
}
