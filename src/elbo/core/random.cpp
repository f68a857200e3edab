#include "elbo/core/random.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <torch/cuda.h>

#include <cmath>

#include "elbo/core/shuffle.h"

namespace elbo {
namespace {

// Stafford's mix 13, the finaliser of SplitMix64: consecutive positions give independent bits.
inline uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}
constexpr uint64_t kGolden = 0x9e3779b97f4a7c15ULL;

/// Seeding reaches every device's generator, so that a scope has to put all of them back.
std::vector<at::Generator> seeded_generators() {
  std::vector<at::Generator> all{at::detail::getDefaultCPUGenerator()};
  const auto devices = static_cast<at::DeviceIndex>(torch::cuda::device_count());
  for (at::DeviceIndex i = 0; i < devices; ++i) {
    all.push_back(at::globalContext().defaultGenerator({at::kCUDA, i}));
  }
  return all;
}

at::Generator generator_of(torch::Device device) {
  if (device.is_cpu()) return at::detail::getDefaultCPUGenerator();
  return at::globalContext().defaultGenerator(device);
}

Tensor state_of(at::Generator generator) {
  std::lock_guard<std::mutex> lock(generator.mutex());
  return generator.get_state();
}

void set_state(at::Generator generator, const Tensor& state) {
  std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_state(state);
}

}  // namespace

uint64_t Draw::key(std::string_view purpose) const {
  uint64_t h = mix(seed + kGolden);
  for (unsigned char c : purpose) h = mix(h ^ (c + kGolden));
  return mix(h ^ mix(epoch + kGolden));
}

uint64_t bits_at(uint64_t key, uint64_t position) { return mix(key + kGolden * (position + 1)); }

double uniform_at(uint64_t key, uint64_t position) {
  return static_cast<double>(bits_at(key, position) >> 11) * 0x1p-53;
}

double normal_at(uint64_t key, uint64_t position) {
  const double u = 1 - uniform_at(key, 2 * position), v = uniform_at(key, 2 * position + 1);
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * M_PI * v);
}

std::vector<int64_t> permutation(int64_t n, uint64_t key) { return shuffled<int64_t>(n, key); }

void seed_torch(uint64_t seed) { at::manual_seed(seed); }

Tensor torch_random_state(torch::Device device) { return state_of(generator_of(device)); }

void set_torch_random_state(const Tensor& state, torch::Device device) {
  set_state(generator_of(device), state);
}

RandomScope::RandomScope(uint64_t seed) {
  std::vector<Tensor> states;
  for (const auto& generator : seeded_generators()) states.push_back(state_of(generator));
  saved_ = torch::cat(states);
  seed_torch(seed);
}

RandomScope::~RandomScope() {
  int64_t at = 0;
  for (const auto& generator : seeded_generators()) {
    const int64_t size = state_of(generator).numel();
    set_state(generator, saved_.narrow(0, at, size).clone());
    at += size;
  }
}

}  // namespace elbo
