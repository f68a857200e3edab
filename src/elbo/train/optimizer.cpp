#include "elbo/train/optimizer.h"

#include <ATen/Parallel.h>

#include <cmath>

namespace elbo {
namespace {

/// What one pass does to one stretch of memory.
struct Pass {
  float *value, *gradient, *first, *second, *average;
  float scale;  // of the gradient: clipping or normalisation
  float beta1, beta2, step, root_scale, epsilon, l2, decoupled, keep;
};

// Adam: m, v, then value -= step * m / (sqrt(v) * root_scale + epsilon), with the bias corrections
// folded into step and root_scale.
#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3", "fast-math")))
#endif
void adam_pass(const Pass& a, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; ++i) {
    const float g = a.gradient[i] * a.scale + a.l2 * a.value[i];
    const float m = a.beta1 * a.first[i] + (1 - a.beta1) * g;
    const float v = a.beta2 * a.second[i] + (1 - a.beta2) * g * g;
    a.first[i] = m;
    a.second[i] = v;
    a.value[i] -= a.step * m / (std::sqrt(v) * a.root_scale + a.epsilon) +
                  a.decoupled * a.value[i];
    a.gradient[i] = 0;
  }
}

#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3", "fast-math")))
#endif
void adamax_pass(const Pass& a, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; ++i) {
    const float g = a.gradient[i] * a.scale + a.l2 * a.value[i];
    const float m = a.beta1 * a.first[i] + (1 - a.beta1) * g;
    const float magnitude = std::fabs(g) + a.epsilon, old = a.beta2 * a.second[i];
    const float u = old > magnitude ? old : magnitude;
    a.first[i] = m;
    a.second[i] = u;
    a.value[i] -= a.step * m / u;
    a.gradient[i] = 0;
  }
}

#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3", "fast-math")))
#endif
void average_pass(float* average, const float* value, float keep, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; ++i) {
    average[i] = keep * average[i] + (1 - keep) * value[i];
  }
}

constexpr int64_t kGrain = 1 << 15;  // floats a thread: below that, waking it costs more

/// Neighbouring spans as one stretch; the padding between them is zero and stays zero.
std::vector<Span> merged(const std::vector<Span>& spans) {
  std::vector<Span> out;
  for (const auto& span : spans) {
    if (!out.empty() && span.offset - (out.back().offset + out.back().size) < 16) {
      out.back().size = span.offset + span.size - out.back().offset;
    } else {
      out.push_back(span);
    }
  }
  return out;
}

double norm_of(const FlatParameters& flat, const Span& span) {
  return flat.gradients.narrow(0, span.offset, span.size).norm().item<double>();
}

}  // namespace

Optimizer::Optimizer(const FlatParameters& flat)
    : first(torch::zeros_like(flat.values)), second(torch::zeros_like(flat.values)) {}

double Optimizer::step(FlatParameters& flat, const std::vector<Span>& spans,
                       const StepSettings& settings, int64_t time) {
  double norm = 0;
  float scale = 1;
  if (settings.clip > 0) {
    for (const auto& span : spans) norm += std::pow(norm_of(flat, span), 2);
    norm = std::sqrt(norm);
    if (norm > settings.clip) scale = static_cast<float>(settings.clip / norm);
  }
  if (settings.average > 0 && !average.defined()) average = flat.values.clone();

  const bool adamw = settings.rule == "adamw", adamax = settings.rule == "adamax";
  const double t = static_cast<double>(time);
  const double correction1 = 1 - std::pow(settings.beta1, t);
  const double correction2 = 1 - std::pow(settings.beta2, t);
  Pass pass{flat.values.data_ptr<float>(),
            flat.gradients.data_ptr<float>(),
            first.data_ptr<float>(),
            second.data_ptr<float>(),
            average.defined() ? average.data_ptr<float>() : nullptr,
            scale,
            static_cast<float>(settings.beta1),
            static_cast<float>(settings.beta2),
            static_cast<float>(settings.lr / correction1),
            static_cast<float>(1 / std::sqrt(correction2)),
            static_cast<float>(settings.epsilon),
            static_cast<float>(adamw ? 0 : settings.weight_decay),
            static_cast<float>(adamw ? settings.weight_decay * settings.lr : 0),
            // Early averages forget the start faster: the decay grows towards its value.
            static_cast<float>(std::min(settings.average, (1 + t) / (10 + t)))};
  for (const auto& span : settings.normalize ? spans : merged(spans)) {
    Pass one = pass;
    if (settings.normalize) {
      one.scale = static_cast<float>(1 / std::max(norm_of(flat, span), 1e-12));
    }
    at::parallel_for(span.offset, span.offset + span.size, kGrain, [&](int64_t a, int64_t b) {
      adamax ? adamax_pass(one, a, b) : adam_pass(one, a, b);
      if (one.average && settings.average > 0) average_pass(one.average, one.value, one.keep, a, b);
    });
  }
  return norm;
}

}  // namespace elbo
