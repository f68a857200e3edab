#include "elbo/kernels/pointwise.h"

#include <algorithm>

#include "elbo/core/light.h"
#include "elbo/core/profile.h"
#include "elbo/kernels/bf16.h"
#include "elbo/kernels/parallel.h"
#include "elbo/kernels/vector.h"

namespace elbo {
namespace {

using kernels::fast_exp;

// Output, gradient after and gradient before the activation: counted alike for all of them, so that
// sums over rows do not depend on which one it is.
constexpr int64_t kPointwiseTouched = 3 * sizeof(float);

ELBO_INLINE float softplus_derivative(float y) {  // 1 - exp(-y) of the output
  const float series = y * (1 - y * (0.5F - y * (1.0F / 6)));
  const float direct = 1 - fast_exp(-y);
  return y < 0.01F ? series : direct;
}

template <Activation A>
ELBO_INLINE float derivative(float y) {
  if constexpr (A == Activation::kRelu) return y > 0 ? 1.0F : 0.0F;
  if constexpr (A == Activation::kLeakyRelu) return y > 0 ? 1.0F : 0.01F;
  if constexpr (A == Activation::kElu) return y > 0 ? 1.0F : y + 1;
  if constexpr (A == Activation::kTanh) return 1 - y * y;
  if constexpr (A == Activation::kSigmoid) return y * (1 - y);
  if constexpr (A == Activation::kSoftplus) return softplus_derivative(y);
  return 1.0F;
}

template <Activation A>
ELBO_INLINE float value(float a) {
  if constexpr (A == Activation::kRelu) return a > 0 ? a : 0.0F;
  if constexpr (A == Activation::kLeakyRelu) return a > 0 ? a : 0.01F * a;
  if constexpr (A == Activation::kElu) return a > 0 ? a : fast_exp(a) - 1;
  if constexpr (A == Activation::kSigmoid) return 1 / (1 + fast_exp(-a));
  return a;
}

struct Rows {
  int64_t from, to, n;
};

template <Activation A>
ELBO_INLINE void backward(const float* y, const float* g, float* da, float* db, Rows r) {
  for (int64_t i = r.from * r.n; i < r.to * r.n; i += r.n) {
    if (A == Activation::kNone) {
#pragma omp simd
      for (int64_t j = 0; j < r.n; ++j) db[j] += g[i + j];
    } else if (db) {
#pragma omp simd
      for (int64_t j = 0; j < r.n; ++j) {
        const float d = g[i + j] * derivative<A>(y[i + j]);
        da[i + j] = d;
        db[j] += d;
      }
    } else {
#pragma omp simd
      for (int64_t j = 0; j < r.n; ++j) da[i + j] = g[i + j] * derivative<A>(y[i + j]);
    }
  }
}

ELBO_CLONES void backward_rows(Activation activation, const float* y, const float* g, float* da,
                               float* db, Rows r) {
  switch (activation) {
    case Activation::kRelu:
      return backward<Activation::kRelu>(y, g, da, db, r);
    case Activation::kLeakyRelu:
      return backward<Activation::kLeakyRelu>(y, g, da, db, r);
    case Activation::kElu:
      return backward<Activation::kElu>(y, g, da, db, r);
    case Activation::kTanh:
      return backward<Activation::kTanh>(y, g, da, db, r);
    case Activation::kSigmoid:
      return backward<Activation::kSigmoid>(y, g, da, db, r);
    case Activation::kSoftplus:
      return backward<Activation::kSoftplus>(y, g, da, db, r);
    default:
      return backward<Activation::kNone>(y, g, da, db, r);
  }
}

template <Activation A>
ELBO_INLINE void forward(const float* bias, float* a, Rows r) {
  for (int64_t i = r.from * r.n; i < r.to * r.n; i += r.n) {
#pragma omp simd
    for (int64_t j = 0; j < r.n; ++j) a[i + j] = value<A>(a[i + j] + bias[j]);
  }
}

ELBO_CLONES void forward_rows(Activation activation, const float* bias, float* a, Rows r) {
  switch (activation) {
    case Activation::kRelu:
      return forward<Activation::kRelu>(bias, a, r);
    case Activation::kLeakyRelu:
      return forward<Activation::kLeakyRelu>(bias, a, r);
    case Activation::kElu:
      return forward<Activation::kElu>(bias, a, r);
    case Activation::kSigmoid:
      return forward<Activation::kSigmoid>(bias, a, r);
    default:
      return forward<Activation::kNone>(bias, a, r);
  }
}

ELBO_CLONES void gated_forward_rows(float* a, float* y, Rows r) {
  for (int64_t i = r.from; i < r.to; ++i) {
    const float* h = a + 2 * i * r.n;
    float* gate = a + (2 * i + 1) * r.n;
    float* out = y + i * r.n;
#pragma omp simd
    for (int64_t j = 0; j < r.n; ++j) {
      gate[j] = 1 / (1 + fast_exp(-gate[j]));
      out[j] = h[j] * gate[j];
    }
  }
}

ELBO_CLONES void gated_backward_rows(const float* a, const float* g, float* da, float* db, Rows r) {
  for (int64_t i = r.from; i < r.to; ++i) {
    const float* h = a + 2 * i * r.n;
    const float* gate = h + r.n;
    const float* up = g + i * r.n;
    float* dh = da + 2 * i * r.n;
    float* dgate = dh + r.n;
#pragma omp simd
    for (int64_t j = 0; j < r.n; ++j) {
      dh[j] = up[j] * gate[j];
      dgate[j] = up[j] * h[j] * gate[j] * (1 - gate[j]);
    }
    if (!db) continue;
#pragma omp simd
    for (int64_t j = 0; j < 2 * r.n; ++j) db[j] += dh[j];
  }
}

// f(rows, sums) over all rows, split over threads; `sums` (width columns per thread, zeros before)
// end in db, folded to its `period` columns.
template <class F>
void over_rows(int64_t m, int64_t n, float* db, bool add_db, int64_t width, int64_t period,
               const F& f) {
  const int64_t parts = kernels::parts_of(m, n * kPointwiseTouched);
  std::vector<float> sums(db ? parts * width : 0);
  kernels::over_parts(parts, m, [&](int64_t part, int64_t first, int64_t last) {
    f(Rows{first, last, n}, db ? sums.data() + part * width : nullptr);
  });
  if (!db) return;
  if (!add_db) std::fill(db, db + period, 0.0F);
  for (size_t j = 0; j < sums.size(); ++j) db[j % period] += sums[j];
}

// Short rows waste vector lanes: so many of them count as one, to this width if they can.
int64_t rows_folded(int64_t m, int64_t n, int64_t width = 32) {
  int64_t fold = 1;
  while (n * fold < width && m % (2 * fold) == 0) fold *= 2;
  return fold;
}

/// One row of a gradient in bfloat16, by float32 numbers that stay in the cache.
class NarrowedRow {
 public:
  NarrowedRow(Activation activation, const Tensor& a, int64_t width)
      : activation_(activation), a_(a), width_(width), y_(width), d_(width) {}
  void run(int64_t row, const float* g, uint16_t* da, float* sums) {
    const bool none = activation_ == Activation::kNone;
    if (!none || sums) {
      backward_rows(activation_, none ? nullptr : output(row), g, d_.data(), sums, {0, 1, width_});
    }
    narrow_to_bf16(none ? g : d_.data(), da, width_);
  }

 private:
  const float* output(int64_t row) {
    if (a_.scalar_type() == torch::kFloat32) return a_.data_ptr<float>() + row * width_;
    widen_from_bf16(halves_of_floats(a_) + row * width_, y_.data(), width_);
    return y_.data();
  }

  const Activation activation_;
  const Tensor& a_;
  const int64_t width_;
  std::vector<float> y_, d_;
};

float* floats(const Tensor& t) { return t.data_ptr<float>(); }

}  // namespace

bool derivative_from_output(Activation activation) {
  return activation != Activation::kGelu && activation != Activation::kSilu &&
         activation != Activation::kGated;
}

bool has_pointwise_forward(Activation activation) {
  return activation == Activation::kNone || activation == Activation::kRelu ||
         activation == Activation::kLeakyRelu || activation == Activation::kElu ||
         activation == Activation::kSigmoid;
}

void pointwise_forward(Activation activation, const float* bias, float* a, int64_t m, int64_t n) {
  if (activation == Activation::kNone && !bias) return;
  const Timed timed("activation", nullptr, {0, 8.0 * m * n});
  const int64_t fold = rows_folded(m, n), width = n * fold;
  std::vector<float> repeated(width, 0.0F);
  for (int64_t j = 0; bias && j < width; ++j) repeated[j] = bias[j % n];
  over_rows(m / fold, width, nullptr, false, 0, 1,
            [&](Rows r, float*) { forward_rows(activation, repeated.data(), a, r); });
}

void gated_forward(float* a, float* y, int64_t m, int64_t n) {
  const Timed timed("activation", nullptr, {0, 16.0 * m * n});
  over_rows(m, n, nullptr, false, 0, 1, [=](Rows r, float*) { gated_forward_rows(a, y, r); });
}

Tensor activation_gradient(Activation activation, const Tensor& grad, const Tensor& a, int64_t m,
                           int64_t n, float* db, bool add_db) {
  const Timed timed("activation's gradient", nullptr,
                    {0, (activation == Activation::kNone ? 4.0 : 12.0) * m * n});
  const float* g = floats(grad);
  if (activation == Activation::kGated) {
    auto da = empty_floats(a.sizes());
    over_rows(m, n, db, add_db, 2 * n, 2 * n,
              [&](Rows r, float* sums) { gated_backward_rows(floats(a), g, floats(da), sums, r); });
    return da;
  }
  auto da = grad;
  bool one_pass = false;
  if (activation == Activation::kGelu) {
    da = torch::gelu_backward(grad, a);
  } else if (activation == Activation::kSilu) {
    da = torch::silu_backward(grad, a);
  } else if (activation != Activation::kNone) {
    da = empty_floats(a.sizes());
    one_pass = true;
  }
  if (!one_pass && !db) return da;
  const int64_t fold = rows_folded(m, n), width = n * fold;
  const auto kind = one_pass ? activation : Activation::kNone;
  const float* up = one_pass ? g : floats(da);
  over_rows(m / fold, width, db, add_db, width, n,
            [&](Rows r, float* sums) { backward_rows(kind, floats(a), up, floats(da), sums, r); });
  return da;
}

Tensor bf16_activation_gradient(Activation activation, const Tensor& grad, const Tensor& a,
                                int64_t m, int64_t n, float* db, bool add_db) {
  if (!derivative_from_output(activation)) {
    return as_bf16(activation_gradient(activation, grad, a, m, n, db, add_db));
  }
  const Timed timed("activation's gradient", nullptr,
                    {0, (activation == Activation::kNone ? 6.0 : 8.0) * m * n});
  const auto da = empty_bf16(grad.sizes());
  constexpr int64_t kWide = 512;
  const int64_t fold = rows_folded(m, n, kWide), width = n * fold;
  over_rows(m / fold, width, db, add_db, width, n, [&](Rows r, float* sums) {
    NarrowedRow narrowed(activation, a, width);
    for (int64_t row = r.from; row < r.to; ++row) {
      narrowed.run(row, floats(grad) + row * width, halves_of_floats(da) + row * width, sums);
    }
  });
  return da;
}

}  // namespace elbo
