#include "elbo/exact/fixed_point.h"

#include <cmath>

#include "elbo/core/error.h"
#include "elbo/exact/math.h"
#include "elbo/kernels/vector.h"

namespace elbo::exact {
namespace {

constexpr int kExactBits = 53;  // of a whole number in float64

int bits_of(int64_t count) {
  int bits = 0;
  while ((int64_t{1} << bits) < count) ++bits;
  return bits;
}

/// Infinite where a number is not finite.
ELBO_CLONES double largest(const double* x, int64_t n) {
  double most = 0;
#pragma omp simd reduction(max : most)
  for (int64_t i = 0; i < n; ++i) {
    const double a = std::fabs(x[i]), known = a <= 1e300 ? a : HUGE_VAL;
    most = known > most ? known : most;
  }
  return most;
}

/// The nearest whole number, of two the even one, to each x times `factor`: at most 2^52.
ELBO_CLONES void round_each(const double* x, double factor, double* whole, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const double scaled = x[i] * factor, far = std::copysign(0x1p52, scaled);
    whole[i] = std::copysign((scaled + far) - far, scaled);
  }
}

}  // namespace

FixedPoint fixed_point(const Tensor& x, int bits) {
  const auto in = x.to(torch::kFloat64).contiguous();
  const int64_t n = in.size(0), k = in.numel() / std::max<int64_t>(n, 1);
  FixedPoint out{torch::empty_like(in), torch::empty({n, 1}, in.options())};
  const auto* from = in.data_ptr<double>();
  auto* whole = out.whole.data_ptr<double>();
  auto* unit = out.unit.data_ptr<double>();
  for (int64_t r = 0; r < n; ++r) {
    const double most = largest(from + r * k, k);
    check(std::isfinite(most), "[exact] a number is not finite");
    int exponent = 0;
    std::frexp(most, &exponent);
    // A row of zeros has any unit; numbers below 2^-1000 are zeros.
    const int shift = most < 0x1p-900 ? 0 : bits - exponent;
    const double per_unit = power_of_two(shift);
    unit[r] = power_of_two(-shift);
    round_each(from + r * k, per_unit, whole + r * k, k);
  }
  return out;
}

FactorBits factor_bits(int64_t terms) {
  const int both = kExactBits - 1 - bits_of(terms);
  check(both >= 16, "[exact] a product of ", terms, " terms is too long");
  const int left = both / 2;
  return {left, both - left};
}

Tensor row_sums(const Tensor& x) {
  const auto fixed = fixed_point(x, kExactBits - 1 - bits_of(x.size(1)));
  return fixed.whole.sum(1) * fixed.unit.squeeze(1);
}

}  // namespace elbo::exact
