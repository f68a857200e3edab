#include <omp.h>

#include <algorithm>

#include "elbo/core/cpu.h"
#include "elbo/nn/gru.h"

namespace elbo {
namespace {

// Below this many numbers a second thread costs more than it saves.
constexpr int64_t kParallelGates = 1 << 14;

ELBO_INLINE float sigmoid_of(float a) { return 1 / (1 + fast_exp(-a)); }
ELBO_INLINE float tanh_of(float a) { return 1 - 2 / (1 + fast_exp(2 * a)); }

ELBO_CLONES void gru_forward_rows(const GruStep& s, int64_t from, int64_t to) {
  const int64_t w = s.width;
  for (int64_t i = from; i < to; ++i) {
    const float* a = s.a + i * 3 * w;
    const float* z = s.z + i * 3 * w;
    const float* h = s.before + i * w;
    float* g = s.gates + i * 3 * w;
    float* f = s.fresh + i * w;
    float* out = s.after + i * w;
    if (s.z) {
#pragma omp simd
      for (int64_t j = 0; j < 2 * w; ++j) g[j] = sigmoid_of(a[j] + z[j] + g[j]);
#pragma omp simd
      for (int64_t j = 0; j < w; ++j) {
        f[j] = tanh_of(a[2 * w + j] + z[2 * w + j] + g[j] * g[2 * w + j]);
        out[j] = f[j] + g[w + j] * (h[j] - f[j]);
      }
    } else {
#pragma omp simd
      for (int64_t j = 0; j < 2 * w; ++j) g[j] = sigmoid_of(a[j] + g[j]);
#pragma omp simd
      for (int64_t j = 0; j < w; ++j) {
        f[j] = tanh_of(a[2 * w + j] + g[j] * g[2 * w + j]);
        out[j] = f[j] + g[w + j] * (h[j] - f[j]);
      }
    }
  }
}

ELBO_CLONES void gru_backward_rows(const GruGradient& s, int64_t from, int64_t to) {
  const int64_t w = s.width;
  for (int64_t i = from; i < to; ++i) {
    const float* r = s.gates + i * 3 * w;
    const float *k = r + w, *bf = k + w;
    const float* f = s.fresh + i * w;
    const float* h = s.before + i * w;
    const float* up = s.after + i * w;
    float *da = s.a + i * 3 * w, *db = s.b + i * 3 * w, *dh = s.carried + i * w;
#pragma omp simd
    for (int64_t j = 0; j < w; ++j) {
      const float dy = up[j] + dh[j];
      const float df = dy * (1 - k[j]) * (1 - f[j] * f[j]);
      const float dr = df * bf[j] * r[j] * (1 - r[j]);
      const float dk = dy * (h[j] - f[j]) * k[j] * (1 - k[j]);
      da[j] = dr;
      da[w + j] = dk;
      da[2 * w + j] = df;
      db[j] = dr;
      db[w + j] = dk;
      db[2 * w + j] = df * r[j];
      dh[j] = dy * k[j];
    }
  }
}

template <class F>
void over_threads(int64_t rows, int64_t width, const F& f) {
  const int64_t most =
      rows * width < kParallelGates || omp_in_parallel() ? 1 : omp_get_max_threads();
  const int64_t threads = std::max<int64_t>(1, std::min(most, rows));
  if (threads == 1) return f(int64_t{0}, rows);
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int64_t t = 0; t < threads; ++t) f(rows * t / threads, rows * (t + 1) / threads);
}

}  // namespace

void gru_forward(const GruStep& step) {
  over_threads(step.n, step.width,
               [&](int64_t from, int64_t to) { gru_forward_rows(step, from, to); });
}

void gru_backward(const GruGradient& step) {
  over_threads(step.n, step.width,
               [&](int64_t from, int64_t to) { gru_backward_rows(step, from, to); });
}

}  // namespace elbo
