#include "elbo/nn/layer_watch.h"

namespace elbo {

thread_local LayerWatch* LayerWatch::current_ = nullptr;

void LayerWatch::see(const torch::nn::Module& layer, const Tensor& in, const Tensor& out,
                     int64_t axis) {
  torch::NoGradGuard no_gradient;
  if (in.size(0) == 0) return;
  const auto units = out.movedim(axis, 0).flatten(1);
  const auto low = std::get<0>(units.min(1)), high = std::get<0>(units.max(1));
  auto& known = layers_[&layer];
  known.moved = known.moved || (in != in.narrow(0, 0, 1)).any().item<bool>();
  known.low = known.low.defined() ? torch::minimum(known.low, low) : low;
  known.high = known.high.defined() ? torch::maximum(known.high, high) : high;
}

}  // namespace elbo
