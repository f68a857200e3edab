#include "elbo/core/random.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <numeric>

namespace elbo {
namespace {

// Stafford's mix 13, the finaliser of SplitMix64: consecutive positions give independent bits.
inline uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}
__extension__ using Wide = unsigned __int128;
constexpr uint64_t kGolden = 0x9e3779b97f4a7c15ULL;

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

std::vector<int64_t> permutation(int64_t n, uint64_t key) {
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), int64_t{0});
  for (int64_t i = n - 1; i > 0; --i) {
    const Wide bits = bits_at(key, i);
    std::swap(order[i], order[static_cast<int64_t>((bits * (i + 1)) >> 64)]);
  }
  return order;
}

void seed_torch(uint64_t seed) { at::manual_seed(seed); }

Tensor torch_random_state() {
  auto generator = at::detail::getDefaultCPUGenerator();
  std::lock_guard<std::mutex> lock(generator.mutex());
  return generator.get_state();
}

void set_torch_random_state(const Tensor& state) {
  auto generator = at::detail::getDefaultCPUGenerator();
  std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_state(state);
}

RandomScope::RandomScope(uint64_t seed) : saved_(torch_random_state()) { seed_torch(seed); }
RandomScope::~RandomScope() { set_torch_random_state(saved_); }

}  // namespace elbo
