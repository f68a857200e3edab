#include "elbo/train/optimizer.h"

#include <cmath>

#include "elbo/kernels/update.h"

namespace elbo {
namespace {

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
        span.offset - (out.back().offset + out.back().size) < kAlign) {
      out.back().size = span.offset + span.size - out.back().offset;
    } else {
      out.push_back({span.offset, span.size, time});
    }
  }
  return out;
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
    update({flat.values, flat.gradients, first, second, average, low}, factors, stretch.offset,
           stretch.offset + stretch.size);
  }
  return norm;
}

}  // namespace elbo
