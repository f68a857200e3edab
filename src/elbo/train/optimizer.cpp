#include "elbo/train/optimizer.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "elbo/core/cpu.h"

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

constexpr int64_t kGrain = 1 << 15;  // floats a thread: below that, waking it costs more

double norm_of(const FlatParameters& flat, int64_t offset, int64_t size) {
  return flat.gradients.narrow(0, offset, size).norm().item<double>();
}

UpdateFactors factors_of(const StepSettings& settings, int64_t time, float scale) {
  const bool adamw = settings.rule == "adamw", adamax = settings.rule == "adamax";
  const double t = static_cast<double>(time);
  const double correction1 = 1 - std::pow(settings.beta1, t);
  const double correction2 = 1 - std::pow(settings.beta2, t);
  return {adamax, scale, static_cast<float>(settings.beta1), static_cast<float>(settings.beta2),
          static_cast<float>(settings.lr / correction1),
          static_cast<float>(1 / std::sqrt(correction2)), static_cast<float>(settings.epsilon),
          static_cast<float>(adamw ? 0 : settings.weight_decay),
          static_cast<float>(adamw ? settings.weight_decay * settings.lr : 0),
          // Early averages forget the start faster: the decay grows towards its value.
          static_cast<float>(std::min(settings.average, (1 + t) / (10 + t)))};
}

}  // namespace

Optimizer::Optimizer(const FlatParameters& flat)
    : first(torch::zeros_like(flat.values)),
      second(torch::zeros_like(flat.values)),
      times(flat.spans().size(), 0) {}

std::vector<Optimizer::Stretch> Optimizer::advance(const std::vector<Span>& spans, bool merged) {
  std::vector<Stretch> out;
  for (const auto& span : spans) {
    const auto time = ++times[span.number];
    // The padding between neighbours is zero and stays zero.
    if (merged && !out.empty() && out.back().time == time &&
        span.offset - (out.back().offset + out.back().size) < 16) {
      out.back().size = span.offset + span.size - out.back().offset;
    } else {
      out.push_back({span.offset, span.size, time});
    }
  }
  return out;
}

void Optimizer::pass_over(FlatParameters& flat, const Stretch& s, const UpdateFactors& factors) {
  Pass one{factors,
           flat.values.data_ptr<float>(),
           flat.gradients.data_ptr<float>(),
           first.data_ptr<float>(),
           second.data_ptr<float>(),
           average.defined() ? average.data_ptr<float>() : nullptr};
  at::parallel_for(s.offset, s.offset + s.size, kGrain, [&](int64_t a, int64_t b) {
    one.adamax ? adamax_pass(one, a, b) : adam_pass(one, a, b);
    if (one.average && one.keep > 0) average_pass(one.average, one.value, one.keep, a, b);
  });
}

void Optimizer::run_operations(FlatParameters& flat, const Stretch& s,
                               const UpdateFactors& factors) {
  const auto part = [&](const Tensor& t) {
    return t.defined() ? t.narrow(0, s.offset, s.size) : t;
  };
  update_by_operations(
      {part(flat.values), part(flat.gradients), part(first), part(second), part(average)}, factors);
}

double Optimizer::step(FlatParameters& flat, const std::vector<Span>& spans,
                       const StepSettings& settings) {
  double norm = 0;
  float scale = 1;
  if (settings.clip > 0) {
    for (const auto& span : spans) norm += std::pow(norm_of(flat, span.offset, span.size), 2);
    norm = std::sqrt(norm);
    if (norm > settings.clip) scale = static_cast<float>(settings.clip / norm);
  }
  if (settings.average > 0 && !average.defined()) average = flat.values.clone();

  UpdateFactors factors;
  int64_t time = 0;
  for (const auto& stretch : advance(spans, !settings.normalize)) {
    if (stretch.time != time) factors = factors_of(settings, time = stretch.time, scale);
    if (settings.normalize) {
      factors.scale =
          static_cast<float>(1 / std::max(norm_of(flat, stretch.offset, stretch.size), 1e-12));
    }
    flat.values.is_cpu() ? pass_over(flat, stretch, factors)
                         : run_operations(flat, stretch, factors);
  }
  return norm;
}

}  // namespace elbo
