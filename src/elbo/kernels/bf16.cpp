#include "elbo/kernels/bf16.h"

#include <ATen/EmptyTensor.h>

#include "elbo/core/buffer_pool.h"
#include "elbo/core/profile.h"
#include "elbo/kernels/parallel.h"
#include "elbo/kernels/vector.h"

namespace elbo {
namespace {

ELBO_INLINE uint16_t nearest_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = bits + 0x7fffU + (bits >> 16 & 1U);
  const uint32_t quiet = bits | 0x400000U;  // a NaN could round to infinity
  return static_cast<uint16_t>((value == value ? rounded : quiet) >> 16);
}

}  // namespace

uint16_t* halves_of_floats(const Tensor& t) {
  return reinterpret_cast<uint16_t*>(t.data_ptr<at::BFloat16>());
}

Tensor empty_bf16(torch::IntArrayRef shape) {
  constexpr c10::DispatchKeySet cpu(c10::DispatchKey::CPU);
  return Tensor(at::detail::empty_generic(shape, buffer_pool(), cpu, torch::kBFloat16, {}));
}

ELBO_CLONES void narrow_to_bf16(const float* __restrict from, uint16_t* __restrict to, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) to[i] = nearest_bf16(from[i]);
}

ELBO_CLONES void widen_from_bf16(const uint16_t* __restrict from, float* __restrict to, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    to[i] = std::bit_cast<float>(static_cast<uint32_t>(from[i]) << 16);
  }
}

void to_bf16(const float* from, uint16_t* to, int64_t n) {
  constexpr int64_t kBytes = sizeof(float) + sizeof(uint16_t);
  const Timed timed("convert to bf16", nullptr, {0, static_cast<double>(n * kBytes)});
  kernels::over_items(n, kBytes, [&](int64_t first, int64_t last) {
    narrow_to_bf16(from + first, to + first, last - first);
  });
}

Tensor as_bf16(const Tensor& dense) {
  auto low = empty_bf16(dense.sizes());
  to_bf16(dense.data_ptr<float>(), halves_of_floats(low), dense.numel());
  return low;
}

}  // namespace elbo
