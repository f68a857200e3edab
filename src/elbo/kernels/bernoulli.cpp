#include "elbo/core/profile.h"
#include "elbo/kernels/choice.h"
#include "elbo/kernels/densities.h"
#include "elbo/kernels/node.h"
#include "elbo/kernels/rows.h"

namespace elbo::kernels {
namespace {

struct BernoulliBlock {
  Rows logits, x, mask;  // mask may be absent
  Rows derivative;       // so may this
  float* sums;
  int64_t first, last, width;
};

template <bool kMasked, bool kDerivative>
ELBO_INLINE void bernoulli_pass(const BernoulliBlock& b) {
  for (int64_t row = b.first; row < b.last; ++row) {
    const float *logits = b.logits[row], *xs = b.x[row], *mask = kMasked ? b.mask[row] : nullptr;
    float* derivative = kDerivative ? b.derivative[row] : nullptr;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < b.width; ++i) {
      const float l = logits[i], x = xs[i];
      const float e = fast_exp(l < 0 ? l : -l);
      const float positive = l < 0 ? 0.0f : l;
      float value = x * l - positive - fast_log1p(e);
      if constexpr (kMasked) value = mask[i] != 0 ? value : 0.0f;
      sum += value;
      if constexpr (kDerivative) {
        float d = x - (l < 0 ? e : 1.0f) / (1.0f + e);
        if constexpr (kMasked) d = mask[i] != 0 ? d : 0.0f;
        derivative[i] = d;
      }
    }
    b.sums[row] = sum;
  }
}

ELBO_CLONES void value_block(const BernoulliBlock& b) {
  if (b.mask) {
    bernoulli_pass<true, false>(b);
  } else {
    bernoulli_pass<false, false>(b);
  }
}

ELBO_CLONES void derivative_block(const BernoulliBlock& b) {
  if (b.mask) {
    bernoulli_pass<true, true>(b);
  } else {
    bernoulli_pass<false, true>(b);
  }
}

// [rows]; fills derivative (d sum / d logits) where it is defined.
Tensor bernoulli_run(const Tensor& logits, const Tensor& x, const Tensor& mask,
                     const Tensor& derivative) {
  const int64_t width = row_width(logits);
  auto sums = empty_sums(logits);
  const BernoulliBlock all{Rows(logits),           Rows(x), Rows(mask), Rows(derivative),
                           sums.data_ptr<float>(), 0,       0,          width};
  const int64_t bytes = float_bytes(width, derivative.defined() ? 3 : 2);
  const Timed timed("Bernoulli density", nullptr, {0, 1.0 * logits.size(0) * bytes});
  over_blocks(all, logits.size(0), bytes, derivative.defined() ? derivative_block : value_block);
  return sums;
}

struct BernoulliRows : Node {
  std::string name() const override { return "elbo::BernoulliRows"; }
  Gradients backward(const Gradients& grads) override {
    if (!is_differentiated()) return {scale_rows(grads[0], made(0))};
    const auto logits = input(0), x = input(1), mask = input(2);
    auto derivative = x - logits.sigmoid();
    if (mask.defined()) derivative = torch::where(mask != 0, derivative, torch::zeros_like(x));
    return {over_elements(grads[0], logits) * derivative};
  }
};

}  // namespace

Tensor bernoulli_rows(const Tensor& logits, const Tensor& x, const Tensor& mask) {
  const bool fused =
      fuses_rows(logits) && fuses_like(x, logits) && !x.requires_grad() && fuses_mask(mask, logits);
  if (!fused) {
    // log_sigmoid on both sides keeps both tails and the derivative at 0.
    return row_sum(x * at::log_sigmoid(logits) + (1 - x) * at::log_sigmoid(-logits), mask);
  }
  const auto node = node_of<BernoulliRows>(logits);
  const auto derivative = node ? empty_rows(logits) : Tensor();
  const auto sums = bernoulli_run(logits, x, mask, derivative);
  if (node) {
    for (const auto& t : {logits, x, mask}) node->keep_input(t);
    node->keep(derivative);
  }
  return from_node(sums, node);
}

}  // namespace elbo::kernels
