#include <cmath>

#include "elbo/group/group.h"
#include "elbo/latents/quantizer.h"

namespace elbo {

CodeUsage::CodeUsage(int64_t codes, int64_t window) : codes_(codes), window_(window) {
  current_ = register_buffer("current", torch::zeros({codes}));
  last_ = register_buffer("last", torch::zeros({codes}));
}

void CodeUsage::add(const Tensor& indices) {
  torch::NoGradGuard no_gradient;
  const auto counts = torch::bincount(indices, {}, codes_).to(current_.scalar_type());
  if (!is_training()) {
    evaluated_ = evaluated_.defined() ? evaluated_ + counts : counts;
    return;
  }
  current_.add_(sum_over_group(counts));
}

Tensor CodeUsage::take_dead() {
  const auto whole = static_cast<double>(window_ * codes_);
  if (window_ == 0 || current_.sum().item<double>() < whole) return Tensor();
  torch::NoGradGuard no_gradient;
  last_.copy_(current_);
  current_.zero_();
  return torch::nonzero(last_ == 0).squeeze(1);
}

Json CodeUsage::summary() const {
  auto counts = evaluated_.defined() ? evaluated_ : last_;
  if (counts.sum().item<double>() == 0) counts = current_;
  const auto share = counts.to(torch::kFloat64) / counts.sum().clamp_min(1);
  const double entropy = -torch::xlogy(share, share).sum().item<double>();
  return {{"codes", codes_},
          {"perplexity", std::exp(entropy)},
          {"dead", (counts == 0).sum().item<int64_t>()}};
}

void CodeUsage::train(bool on) {
  torch::nn::Module::train(on);
  reset();
}

}  // namespace elbo
