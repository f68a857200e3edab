#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include "elbo/core/cpu.h"
#include "elbo/core/light.h"
#include "elbo/core/plain_operations.h"
#include "elbo/core/tensor.h"

// What the fused kernels share: branch-free elementary functions that GCC turns into vector
// code, and the split of rows over threads.

namespace elbo::fused {

/// exp, within 2 ulp; below -87 it stays at the smallest normal number, NaN stays NaN.
ELBO_INLINE float exp_lane(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 89.0f ? 89.0f : x;
  // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits.
  constexpr float kMagic = 12582912.0f;
  const float shifted = x * 1.44269504f + kMagic;
  const float n = shifted - kMagic;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 0.0013926176f;
  p = p * r + 0.0083631731f;
  p = p * r + 0.0416665547f;
  p = p * r + 0.1666657703f;
  p = p * r + 0.5f;
  const uint32_t whole = std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(kMagic);
  return (p * r * r + r + 1.0f) * std::bit_cast<float>((whole + 127u) << 23);
}

/// log(1 + e) for e in [0, 1], within 3 ulp: 2 atanh(e / (2 + e)).
ELBO_INLINE float log1p_lane(float e) {
  const float s = e / (2.0f + e), t = s * s;
  float p = 0.1219695418f;
  p = p * t + 0.1069928034f;
  p = p * t + 0.1431010368f;
  p = p * t + 0.1999935563f;
  p = p * t + 0.3333333951f;
  p = p * t + 1.0f;
  return 2.0f * s * p;
}

/// Rows that lie anywhere, each of them dense: a chunk of a wider tensor qualifies.
inline bool dense_rows(const Tensor& t) {
  if (!t.defined() || !t.device().is_cpu() || t.scalar_type() != torch::kFloat32 || t.dim() < 2 ||
      t.numel() == 0 || plain_operations()) {
    return false;
  }
  int64_t expected = 1;
  for (int64_t axis = t.dim() - 1; axis > 0; --axis) {
    if (t.size(axis) != 1 && t.stride(axis) != expected) return false;
    expected *= t.size(axis);
  }
  return true;
}
inline bool dense_mask(const Tensor& mask, const Tensor& like) {
  return !mask.defined() || (dense_rows(mask) && mask.sizes().equals(like.sizes()));
}

/// The rows of such a tensor; false where it is undefined.
struct Rows {
  float* data = nullptr;
  int64_t stride = 0;
  Rows() = default;
  explicit Rows(const Tensor& t)
      : data(t.defined() ? t.data_ptr<float>() : nullptr),
        stride(t.defined() && t.dim() > 0 ? t.stride(0) : 0) {}
  float* operator[](int64_t row) const { return data + row * stride; }
  explicit operator bool() const { return data != nullptr; }
};
inline int64_t row_width(const Tensor& t) { return t.numel() / t.size(0); }
/// Uninitialised, dense, without gradient.
inline Tensor empty_rows(const Tensor& like) { return empty_floats(like.sizes()); }
inline Tensor empty_sums(const Tensor& like) { return empty_floats({like.size(0)}); }

/// f(first, last) on blocks of rows; small work stays on the calling thread.
template <class F>
void for_rows(int64_t rows, int64_t width, const F& f) {
  constexpr int64_t kElementsPerThread = 8192;
  at::parallel_for(0, rows, std::max<int64_t>(1, kElementsPerThread / width), f);
}

/// f on copies of `all` whose first and last are the rows of one thread.
template <class Block, class F>
void for_blocks(const Block& all, int64_t rows, int64_t width, const F& f) {
  for_rows(rows, width, [&](int64_t first, int64_t last) {
    Block block = all;
    block.first = first;
    block.last = last;
    f(block);
  });
}

constexpr int kLanes = 16;
/// f(element, lane) for the elements of a row, a vector at a time. What is left of a narrow row is
/// much of it: one more vector, with lanes switched off. Sums are one per lane: see sum_of.
template <class F>
ELBO_INLINE void over_lanes(int64_t width, const F& f) {
  for (int64_t from = 0; from < width; from += kLanes) {
    const auto rest = static_cast<int>(std::min<int64_t>(width - from, kLanes));
    if (rest == kLanes) {
#pragma omp simd
      for (int lane = 0; lane < kLanes; ++lane) f(from + lane, lane);
    } else {
#pragma omp simd
      for (int lane = 0; lane < kLanes; ++lane) {
        if (lane < rest) f(from + lane, lane);
      }
    }
  }
}
ELBO_INLINE float sum_of(float (&lanes)[kLanes]) {
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

/// The row gradients in the shape that broadcasts over a row's elements.
inline Tensor over_elements(const Tensor& rows, const Tensor& like) {
  Shape shape(like.dim(), 1);
  shape[0] = like.size(0);
  return rows.view(shape);
}

/// factor[row] * derivative[row, …], as a new tensor.
Tensor scale_rows(const Tensor& factor, const Tensor& derivative, bool negate = false);

}  // namespace elbo::fused
