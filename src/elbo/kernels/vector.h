#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

/// One copy of a function per instruction set, chosen when the program starts; a build that wants
/// one set alone defines it as nothing.
#if defined(ELBO_CLONES)
#elif defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ELBO_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ELBO_CLONES
#endif

#define ELBO_INLINE inline __attribute__((always_inline))

// Branch-free elementary functions that compilers turn into vector code, and loops over a row.

namespace elbo::kernels {

/// exp, within 1.1 ulp. Below -87 it stays near the smallest normal number, from 88.4 on (exact:
/// 88.7) it is infinite; NaN stays NaN.
ELBO_INLINE float fast_exp(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 89.0f ? 89.0f : x;
  // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits.
  constexpr float kMagic = 12582912.0f;
  const float shifted = x * 1.44269504f + kMagic;
  const float n = shifted - kMagic;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts
  float p = 0.0013926176f;
  p = p * r + 0.0083631731f;
  p = p * r + 0.0416665547f;
  p = p * r + 0.1666657703f;
  p = p * r + 0.5f;
  const uint32_t whole = std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(kMagic);
  return (p * r * r + r + 1.0f) * std::bit_cast<float>((whole + 127u) << 23);
}

/// log(1 + e) for e in [0, 1], within 3 ulp: 2 atanh(e / (2 + e)).
ELBO_INLINE float fast_log1p(float e) {
  const float s = e / (2.0f + e), t = s * s;
  float p = 0.1219695418f;
  p = p * t + 0.1069928034f;
  p = p * t + 0.1431010368f;
  p = p * t + 0.1999935563f;
  p = p * t + 0.3333333951f;
  p = p * t + 1.0f;
  return 2.0f * s * p;
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

}  // namespace elbo::kernels
