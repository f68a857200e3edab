#include "elbo/nn/pointwise.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "elbo/core/cpu.h"

namespace elbo {
namespace {

inline float exp_of_output(float y) {  // 1 - exp(-y) for y >= 0, the derivative of softplus
  const float direct = 1 - fast_exp(-y);
  const float series = y * (1 - y * (0.5F - y * (1.0F / 6)));
  return y < 0.01F ? series : direct;
}

template <Activation A>
inline float derivative(float y) {
  if constexpr (A == Activation::kRelu) return y > 0 ? 1.0F : 0.0F;
  if constexpr (A == Activation::kLeakyRelu) return y > 0 ? 1.0F : 0.01F;
  if constexpr (A == Activation::kElu) return y > 0 ? 1.0F : y + 1;
  if constexpr (A == Activation::kTanh) return 1 - y * y;
  if constexpr (A == Activation::kSigmoid) return y * (1 - y);
  if constexpr (A == Activation::kSoftplus) return exp_of_output(y);
  return 1.0F;
}

struct Backward {
  const float *y, *g;
  float *da, *db;
  bool add_db;
  int64_t m, n;
};

template <Activation A>
__attribute__((always_inline)) inline void backward_columns(const Backward& w, int64_t from,
                                                            int64_t to) {
  if (w.db && !w.add_db) std::memset(w.db + from, 0, sizeof(float) * (to - from));
  for (int64_t i = 0; i < w.m; ++i) {
    const float* g = w.g + i * w.n;
    if constexpr (A == Activation::kNone) {
#pragma omp simd
      for (int64_t j = from; j < to; ++j) w.db[j] += g[j];
    } else {
      const float* y = w.y + i * w.n;
      float* da = w.da + i * w.n;
      if (w.db) {
#pragma omp simd
        for (int64_t j = from; j < to; ++j) {
          da[j] = g[j] * derivative<A>(y[j]);
          w.db[j] += da[j];
        }
      } else {
#pragma omp simd
        for (int64_t j = from; j < to; ++j) da[j] = g[j] * derivative<A>(y[j]);
      }
    }
  }
}

ELBO_CLONES void backward_range(Activation activation, const Backward& w, int64_t from,
                                int64_t to) {
  switch (activation) {
    case Activation::kRelu:
      return backward_columns<Activation::kRelu>(w, from, to);
    case Activation::kLeakyRelu:
      return backward_columns<Activation::kLeakyRelu>(w, from, to);
    case Activation::kElu:
      return backward_columns<Activation::kElu>(w, from, to);
    case Activation::kTanh:
      return backward_columns<Activation::kTanh>(w, from, to);
    case Activation::kSigmoid:
      return backward_columns<Activation::kSigmoid>(w, from, to);
    case Activation::kSoftplus:
      return backward_columns<Activation::kSoftplus>(w, from, to);
    default:
      return backward_columns<Activation::kNone>(w, from, to);
  }
}

ELBO_CLONES void gated_forward_range(float* a, float* y, int64_t m, int64_t n, int64_t from,
                                     int64_t to) {
  for (int64_t i = 0; i < m; ++i) {
    float* h = a + 2 * i * n;
    float* gate = h + n;
    float* out = y + i * n;
#pragma omp simd
    for (int64_t j = from; j < to; ++j) {
      gate[j] = 1 / (1 + fast_exp(-gate[j]));
      out[j] = h[j] * gate[j];
    }
  }
}

ELBO_CLONES void gated_backward_range(const float* a, const float* g, float* da, float* db,
                                      int64_t m, int64_t n, int64_t from, int64_t to) {
  for (int64_t i = 0; i < m; ++i) {
    const float* h = a + 2 * i * n;
    const float* gate = h + n;
    const float* up = g + i * n;
    float* dh = da + 2 * i * n;
    float* dgate = dh + n;
#pragma omp simd
    for (int64_t j = from; j < to; ++j) {
      dh[j] = up[j] * gate[j];
      dgate[j] = up[j] * h[j] * gate[j] * (1 - gate[j]);
    }
    if (!db) continue;
#pragma omp simd
    for (int64_t j = from; j < to; ++j) {
      db[j] += dh[j];
      db[n + j] += dgate[j];
    }
  }
}

}  // namespace

void parallel_columns(int64_t n, int64_t work, const std::function<void(int64_t, int64_t)>& f) {
  const int64_t blocks = (n + 15) / 16;
  const int64_t threads = std::min<int64_t>(omp_get_max_threads(), blocks);
  if (work < kParallelElements || threads <= 1 || omp_in_parallel()) return f(0, n);
#pragma omp parallel num_threads(threads)
  {
    const int64_t t = omp_get_thread_num(), all = omp_get_num_threads();
    f(std::min(n, blocks * t / all * 16), std::min(n, blocks * (t + 1) / all * 16));
  }
}

bool derivative_from_output(Activation activation) {
  return activation != Activation::kGelu && activation != Activation::kSilu &&
         activation != Activation::kGated;
}

void pointwise_backward(Activation activation, const float* y, const float* g, float* da, float* db,
                        bool add_db, int64_t m, int64_t n) {
  const Backward work{y, g, da, db, add_db, m, n};
  parallel_columns(n, m * n,
                   [&](int64_t from, int64_t to) { backward_range(activation, work, from, to); });
}

void gated_forward(float* a, float* y, int64_t m, int64_t n) {
  parallel_columns(n, m * n,
                   [=](int64_t from, int64_t to) { gated_forward_range(a, y, m, n, from, to); });
}

void gated_backward(const float* a, const float* g, float* da, float* db, bool add_db, int64_t m,
                    int64_t n) {
  parallel_columns(n, m * n, [=](int64_t from, int64_t to) {
    if (db && !add_db) {
      std::fill(db + from, db + to, 0.0F);
      std::fill(db + n + from, db + n + to, 0.0F);
    }
    gated_backward_range(a, g, da, db, m, n, from, to);
  });
}

}  // namespace elbo
