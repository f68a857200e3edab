#include "elbo/train/optimizer.h"

#include <cmath>

namespace elbo {
namespace {

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
  UpdateFactors factors{
      adamax, scale, static_cast<float>(settings.beta1), static_cast<float>(settings.beta2),
      static_cast<float>(settings.lr / correction1), static_cast<float>(1 / std::sqrt(correction2)),
      static_cast<float>(settings.epsilon), static_cast<float>(adamw ? 0 : settings.weight_decay),
      static_cast<float>(adamw ? settings.weight_decay * settings.lr : 0),
      // Early averages forget the start faster: the decay grows towards its value.
      static_cast<float>(std::min(settings.average, (1 + t) / (10 + t)))};
  for (const auto& span : settings.normalize ? spans : merged(spans)) {
    if (settings.normalize) {
      factors.scale = static_cast<float>(1 / std::max(norm_of(flat, span), 1e-12));
    }
    update({flat.values, flat.gradients, first, second, average}, factors, span.offset,
           span.offset + span.size);
  }
  return norm;
}

}  // namespace elbo
