#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/core/tensor.h"

namespace ELBO_API elbo {

/// Names one random stream: the same (seed, purpose, epoch) gives the same draws for the same row
/// on any number of threads.
struct Draw {
  uint64_t seed = 0;
  uint64_t epoch = 0;
  /// The key of a stream for this purpose.
  uint64_t key(std::string_view purpose) const;
};

/// 64 random bits at a position of a stream (a counter-based generator).
uint64_t bits_at(uint64_t key, uint64_t position);
/// In [0, 1).
double uniform_at(uint64_t key, uint64_t position);
/// Standard normal.
double normal_at(uint64_t key, uint64_t position);
/// A shuffle of 0 … n-1.
std::vector<int64_t> permutation(int64_t n, uint64_t key);

/// torch's own generators: seeding all of them, and the state of a device's for a bit-exact resume.
void seed_torch(uint64_t seed);
Tensor torch_random_state(torch::Device device = torch::kCPU);
void set_torch_random_state(const Tensor& state, torch::Device device = torch::kCPU);

/// Within its scope torch draws from another seed; afterwards the old stream goes on.
class RandomScope {
 public:
  explicit RandomScope(uint64_t seed);
  ~RandomScope();
  RandomScope(const RandomScope&) = delete;
  RandomScope& operator=(const RandomScope&) = delete;

 private:
  Tensor saved_;
};

}  // namespace elbo
