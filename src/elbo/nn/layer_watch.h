#pragma once

#include <torch/nn/module.h>

#include <unordered_map>

#include "elbo/core/tensor.h"

namespace elbo {

/// While one lives, layers of its thread tell it what goes in and what comes out, and it keeps each
/// unit's smallest and largest value.
class LayerWatch {
 public:
  struct Units {
    Tensor low, high;    // [units]
    bool moved = false;  // whether rows differed in what the layer read
  };
  LayerWatch() : before_(current_) { current_ = this; }
  ~LayerWatch() { current_ = before_; }
  LayerWatch(const LayerWatch&) = delete;
  LayerWatch& operator=(const LayerWatch&) = delete;

  static LayerWatch* current() { return current_; }
  void see(const torch::nn::Module& layer, const Tensor& in, const Tensor& out, int64_t axis);
  const std::unordered_map<const torch::nn::Module*, Units>& layers() const { return layers_; }

 private:
  static thread_local LayerWatch* current_;
  LayerWatch* before_;
  std::unordered_map<const torch::nn::Module*, Units> layers_;
};

/// `out`, shown to whoever watches; its units are numbered along `axis`.
inline Tensor watched(const torch::nn::Module& layer, const Tensor& in, Tensor out, int64_t axis) {
  if (auto* watch = LayerWatch::current()) watch->see(layer, in, out, axis);
  return out;
}

}  // namespace elbo
