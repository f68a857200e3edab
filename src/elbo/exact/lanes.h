#pragma once

#include <bit>
#include <cstdint>

#include "elbo/kernels/vector.h"

// Functions of one number or of several side by side, T: the same steps, so the same bits.

namespace elbo::exact {

/// Eight numbers that one instruction, or a few, take together.
using Lanes = double __attribute__((vector_size(64)));
using LaneBits = uint64_t __attribute__((vector_size(64)));
constexpr int64_t kLaneCount = 8;

ELBO_INLINE uint64_t bits_of(double x) { return std::bit_cast<uint64_t>(x); }
ELBO_INLINE LaneBits bits_of(Lanes x) { return std::bit_cast<LaneBits>(x); }
ELBO_INLINE double from_bits(uint64_t bits) { return std::bit_cast<double>(bits); }
ELBO_INLINE Lanes from_bits(LaneBits bits) { return std::bit_cast<Lanes>(bits); }

namespace lanes {

// ln 2 as a sum whose first part has zeros at its end: k times it is exact.
constexpr double kLn2High = 0x1.62e42feep-1, kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kPerLn2 = 0x1.71547652b82fep+0;
constexpr double kHighestExponent = 709.78, kLowestExponent = -745.13;
constexpr double kTwoOverRootPi = 0x1.20dd750429b6dp+0, kRootHalf = 0x1.6a09e667f3bcdp-1;
/// Added and taken away it leaves the nearest whole number, which it shows in the low bits.
constexpr double kWhole = 0x1.8p52;

template <class T>
ELBO_INLINE T all(double x) {
  return T{} + x;
}

/// Below 2^51.
template <class T>
ELBO_INLINE T floor(T x) {
  const T near = (x + kWhole) - kWhole;
  return near > x ? near - 1 : near;
}

template <class T>
ELBO_INLINE T power_of_two(T whole) {
  return from_bits((bits_of(whole + kWhole) - bits_of(kWhole) + 1023) << 52);
}

/// x times 2^k, in two steps: one factor may be no normal number.
template <class T>
ELBO_INLINE T scaled_by(T x, T k) {
  const T half = (k * 0.5 + kWhole) - kWhole;
  return x * power_of_two<T>(half) * power_of_two<T>(k - half);
}

/// exp(r) - 1 for |r| < 0.35, by its series.
template <class T>
ELBO_INLINE T small_expm1(T r) {
  // 1/n! for n from 2 on.
  constexpr int kTerms = 13;
  constexpr double kInverse[kTerms] = {
      1.0 / 2,         1.0 / 6,          1.0 / 24,         1.0 / 120,     1.0 / 720,
      1.0 / 5040,      1.0 / 40320,      1.0 / 362880,     1.0 / 3628800, 1.0 / 39916800,
      1.0 / 479001600, 1.0 / 6227020800, 1.0 / 87178291200};
  T sum = T{};
  for (int n = kTerms; n-- > 0;) sum = sum * r + kInverse[n];
  return r + r * r * sum;
}

template <class T>
ELBO_INLINE T exp(T x) {
  T inside = x < kLowestExponent ? all<T>(kLowestExponent) : x;
  inside = inside > kHighestExponent ? all<T>(kHighestExponent) : inside;
  const T k = floor<T>(inside * kPerLn2 + 0.5);
  const T r = (inside - k * kLn2High) - k * kLn2Low;
  T y = scaled_by<T>(1 + small_expm1<T>(r), k);
  y = x > kHighestExponent ? all<T>(__builtin_inf()) : y;
  y = x < kLowestExponent ? T{} : y;
  return x != x ? x : y;
}

template <class T>
ELBO_INLINE T expm1(T x) {
  const T size = x < 0 ? -x : x;
  return size < 0.35 ? small_expm1<T>(x) : exp<T>(x) - 1;
}

template <class T>
ELBO_INLINE T tanh(T x) {
  const T e = expm1<T>(2 * x);
  const T inside = e / (e + 2), size = x < 0 ? -x : x;
  return size > 20 ? (x > 0 ? all<T>(1) : all<T>(-1)) : inside;
}

template <class T>
ELBO_INLINE T sigmoid(T x) {
  const T e = exp<T>(x < 0 ? x : -x);
  return (x < 0 ? e : all<T>(1)) / (1 + e);
}

// Series and continued fraction of erf meet here, where both are good to the last places.
constexpr double kErfSeries = 2.5;

/// erf(x) for 0 <= x < kErfSeries; all its terms are positive.
template <class T>
ELBO_INLINE T erf_series(T x) {
  constexpr int kTerms = 48;
  T sum = T{};
  for (int n = kTerms; n >= 1; --n) sum = (sum + 1) * (2 * x * x) / (2.0 * n + 1);
  return kTwoOverRootPi * x * exp<T>(-x * x) * (1 + sum);
}

}  // namespace lanes
}  // namespace elbo::exact
