#include "elbo/kernels/gru.h"

#include "elbo/kernels/parallel.h"
#include "elbo/kernels/vector.h"

namespace elbo {
namespace {

using kernels::fast_exp;

// Twelve numbers for each unit of a row.
constexpr int64_t kGruTouched = 12 * sizeof(float);

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

}  // namespace

void gru_forward(const GruStep& step) {
  kernels::over_items(step.n, step.width * kGruTouched,
                      [&](int64_t from, int64_t to) { gru_forward_rows(step, from, to); });
}

void gru_backward(const GruGradient& step) {
  kernels::over_items(step.n, step.width * kGruTouched,
                      [&](int64_t from, int64_t to) { gru_backward_rows(step, from, to); });
}

}  // namespace elbo
