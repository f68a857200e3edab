#include "elbo/kernels/update.h"

#include "elbo/core/profile.h"
#include "elbo/kernels/bf16.h"
#include "elbo/kernels/choice.h"
#include "elbo/kernels/parallel.h"
#include "elbo/kernels/vector.h"

namespace elbo {
namespace {

/// What one pass does to one stretch of memory.
struct Pass : UpdateFactors {
  float *value, *gradient, *first, *second, *average;
};

// Adam: m, v, then value -= step * m / (sqrt(v) * root_scale + epsilon), with the bias corrections
// folded into step and root_scale.
ELBO_CLONES void adam_pass(const Pass& a, int64_t from, int64_t to) {
  const Pass c = a;
  float* __restrict x = c.value, * __restrict dx = c.gradient, * __restrict m = c.first, * __restrict v = c.second;
#pragma omp simd
  for (int64_t i = from; i < to; ++i) {
    const float g = dx[i] * c.scale + c.l2 * x[i];
    m[i] = c.beta1 * m[i] + (1 - c.beta1) * g;
    v[i] = c.beta2 * v[i] + (1 - c.beta2) * g * g;
    x[i] -= c.step * m[i] / (__builtin_sqrtf(v[i]) * c.root_scale + c.epsilon) + c.decoupled * x[i];
    dx[i] = 0;
  }
}

ELBO_CLONES void adamax_pass(const Pass& a, int64_t from, int64_t to) {
  const Pass c = a;
  float* __restrict x = c.value, * __restrict dx = c.gradient, * __restrict m = c.first, * __restrict u = c.second;
#pragma omp simd
  for (int64_t i = from; i < to; ++i) {
    const float g = dx[i] * c.scale + c.l2 * x[i];
    m[i] = c.beta1 * m[i] + (1 - c.beta1) * g;
    const float magnitude = __builtin_fabsf(g) + c.epsilon, old = c.beta2 * u[i];
    u[i] = old > magnitude ? old : magnitude;
    x[i] -= c.step * m[i] / u[i];
    dx[i] = 0;
  }
}

ELBO_CLONES void average_pass(float* __restrict average, const float* __restrict value, float keep,
                              int64_t from, int64_t to) {
#pragma omp simd
  for (int64_t i = from; i < to; ++i) average[i] = keep * average[i] + (1 - keep) * value[i];
}

void update_in_one_pass(const UpdateTensors& t, const UpdateFactors& f, int64_t from, int64_t to) {
  const Pass all{f,
                 t.value.data_ptr<float>(),
                 t.gradient.data_ptr<float>(),
                 t.first.data_ptr<float>(),
                 t.second.data_ptr<float>(),
                 t.average.defined() ? t.average.data_ptr<float>() : nullptr};
  constexpr double kMoved = 8 * sizeof(float);  // four read and written
  const Timed timed("update", nullptr, {0, kMoved * (to - from)});
  const int64_t bytes = (all.average ? 5 : 4) * static_cast<int64_t>(sizeof(float));
  uint16_t* low = t.low.defined() ? halves_of_floats(t.low) : nullptr;
  constexpr int64_t kCached = 4096;  // numbers that the second pass finds in the cache
  kernels::over_items(to - from, bytes, [&](int64_t first, int64_t last) {
    const bool once = !low;
    for (int64_t a = from + first; a < from + last;) {
      const int64_t b = once ? from + last : std::min(a + kCached, from + last);
      all.adamax ? adamax_pass(all, a, b) : adam_pass(all, a, b);
      if (all.average && all.keep > 0) average_pass(all.average, all.value, all.keep, a, b);
      if (low) narrow_to_bf16(all.value + a, low + a, b - a);
      a = b;
    }
  });
}

}  // namespace

void update(const UpdateTensors& t, const UpdateFactors& f, int64_t from, int64_t to) {
  // Whatever computes the gradient: nothing here is recorded or differentiated.
  if (is_cpu_float(t.value)) return update_in_one_pass(t, f, from, to);
  const auto part = [&](const Tensor& whole) {
    return whole.defined() ? whole.narrow(0, from, to - from) : whole;
  };
  update_by_operations({part(t.value), part(t.gradient), part(t.first), part(t.second),
                        part(t.average), part(t.low)},
                       f);
}

void update_by_operations(const UpdateTensors& t, const UpdateFactors& f) {
  torch::NoGradGuard no_gradient;
  auto g = t.gradient.mul(f.scale);
  if (f.l2 != 0) g.add_(t.value, f.l2);
  t.first.mul_(f.beta1).add_(g, 1 - f.beta1);
  if (f.adamax) {
    t.second.copy_(torch::maximum(t.second * f.beta2, g.abs().add_(f.epsilon)));
    t.value.addcdiv_(t.first, t.second, -f.step);
  } else {
    t.second.mul_(f.beta2).addcmul_(g, g, 1 - f.beta2);
    const auto root = t.second.sqrt().mul_(f.root_scale).add_(f.epsilon);
    const auto old = f.decoupled != 0 ? t.value * f.decoupled : Tensor();
    t.value.addcdiv_(t.first, root, -f.step);
    if (old.defined()) t.value.sub_(old);
  }
  t.gradient.zero_();
  if (t.average.defined() && f.keep > 0) t.average.mul_(f.keep).add_(t.value, 1 - f.keep);
  if (t.low.defined()) t.low.copy_(t.value);
}

}  // namespace elbo
