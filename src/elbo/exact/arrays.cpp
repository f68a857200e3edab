#include "elbo/exact/arrays.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "elbo/exact/lanes.h"
#include "elbo/exact/math.h"

namespace elbo::exact {
namespace {

struct Exp {
  static ELBO_INLINE Lanes of(Lanes x) { return lanes::exp<Lanes>(x); }
};
struct Tanh {
  static ELBO_INLINE Lanes of(Lanes x) { return lanes::tanh<Lanes>(x); }
};
struct Sigmoid {
  static ELBO_INLINE Lanes of(Lanes x) { return lanes::sigmoid<Lanes>(x); }
};
struct Silu {
  static ELBO_INLINE Lanes of(Lanes x) { return x * lanes::sigmoid<Lanes>(x); }
};
/// Where the series of erf is good; elsewhere something.
struct NormalCdf {
  static ELBO_INLINE Lanes of(Lanes x) {
    const Lanes a = (x < 0 ? -x : x) * lanes::kRootHalf;
    const Lanes above = 0.5 - 0.5 * lanes::erf_series<Lanes>(a);
    return x < 0 ? above : 1 - above;
  }
};

template <class F>
ELBO_INLINE void over(const double* x, double* y, int64_t n) {
  for (int64_t i = 0; i < n; i += kLaneCount) {
    const auto bytes = static_cast<size_t>(std::min(kLaneCount, n - i)) * sizeof(double);
    Lanes in{};
    if (bytes == sizeof in) {
      std::memcpy(&in, x + i, sizeof in);
      in = F::of(in);
      std::memcpy(y + i, &in, sizeof in);
    } else {
      std::memcpy(&in, x + i, bytes);
      in = F::of(in);
      std::memcpy(y + i, &in, bytes);
    }
  }
}

ELBO_CLONES void exp_each(const double* x, double* y, int64_t n) { over<Exp>(x, y, n); }
ELBO_CLONES void tanh_each(const double* x, double* y, int64_t n) { over<Tanh>(x, y, n); }
ELBO_CLONES void sigmoid_each(const double* x, double* y, int64_t n) { over<Sigmoid>(x, y, n); }
ELBO_CLONES void silu_each(const double* x, double* y, int64_t n) { over<Silu>(x, y, n); }
ELBO_CLONES void normal_cdf_each(const double* x, double* y, int64_t n) {
  over<NormalCdf>(x, y, n);
}

}  // namespace

void exp(const double* x, double* y, int64_t n) { exp_each(x, y, n); }
void tanh(const double* x, double* y, int64_t n) { tanh_each(x, y, n); }
void sigmoid(const double* x, double* y, int64_t n) { sigmoid_each(x, y, n); }
void silu(const double* x, double* y, int64_t n) { silu_each(x, y, n); }

void normal_cdf(const double* x, double* y, int64_t n) {
  // Few lie so far out.
  constexpr int64_t kBlock = 256;
  constexpr double kSeries = lanes::kErfSeries;
  double block[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t count = std::min(kBlock, n - i);
    std::copy(x + i, x + i + count, block);
    normal_cdf_each(block, y + i, count);
    for (int64_t j = 0; j < count; ++j) {
      if (!(std::fabs(block[j]) * lanes::kRootHalf < kSeries)) y[i + j] = normal_cdf(block[j]);
    }
  }
}

}  // namespace elbo::exact
