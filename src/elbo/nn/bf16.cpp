#include "elbo/nn/bf16.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "elbo/core/error.h"
#include "elbo/kernels/bf16.h"

namespace elbo {
namespace {

thread_local const Bf16Weights* of_thread = nullptr;
std::atomic<const Bf16Weights*> of_all{nullptr};

const float* end_of(const Tensor& t) { return t.data_ptr<float>() + t.numel(); }

}  // namespace

std::string chosen_precision(const std::string& asked, const std::string& where,
                             const torch::Device& device) {
  if (!device.is_cpu()) {
    check(asked != "bf16", "[", where, "] precision: found bf16, which is for processors; on ",
          device.str(), " allowed: fp32, auto");
    return "fp32";
  }
  std::string why;
  const bool there = has_bf16(&why);
  if (asked == "auto") return there ? "bf16" : "fp32";
  check(asked != "bf16" || there, "[", where,
        "] precision: found bf16, which is not available: ", why, "; allowed here: fp32, auto");
  return asked;
}

Bf16Weights::Bf16Weights(const std::vector<Tensor>& weights) {
  for (const auto& w : weights) stretches_.push_back({w, empty_bf16(w.sizes())});
  order_.resize(weights.size());
  std::iota(order_.begin(), order_.end(), size_t{0});
  std::sort(order_.begin(), order_.end(), [&](size_t a, size_t b) {
    return stretches_[a].weight.data_ptr<float>() < stretches_[b].weight.data_ptr<float>();
  });
  refresh();
}

void Bf16Weights::refresh() {
  for (auto& [weight, low] : stretches_) {
    to_bf16(weight.data_ptr<float>(), halves_of_floats(low), weight.numel());
  }
}

const uint16_t* Bf16Weights::find(const float* weight) const {
  const auto after = std::upper_bound(
      order_.begin(), order_.end(), weight,
      [&](const float* at, size_t i) { return at < stretches_[i].weight.data_ptr<float>(); });
  if (after == order_.begin()) return nullptr;
  const auto& [known, low] = stretches_[*(after - 1)];
  if (weight >= end_of(known)) return nullptr;
  return halves_of_floats(low) + (weight - known.data_ptr<float>());
}

Bf16Products::Bf16Products(const Bf16Weights* weights) : before_(of_thread) {
  if (weights) of_thread = weights;
}
Bf16Products::~Bf16Products() { of_thread = before_; }

void Bf16Products::everywhere(const Bf16Weights* weights) { of_all = weights; }

const Bf16Weights* Bf16Products::current() {
  return of_thread ? of_thread : of_all.load(std::memory_order_relaxed);
}

Bf16Weight::Bf16Weight(const Bf16Weights& known, const Tensor& weight)
    : data(known.find(weight.data_ptr<float>())) {
  if (data) return;
  made = as_bf16(weight);
  data = halves_of_floats(made);
}

}  // namespace elbo
