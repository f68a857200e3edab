#include <cmath>

#include "elbo/core/constants.h"
#include "elbo/core/node.h"
#include "elbo/dist/fused.h"
#include "elbo/dist/lanes.h"

namespace elbo::fused {
namespace {

ELBO_CLONES void kl_block(Rows locs, Rows log_scales, Rows d_log_scales, float* sums, int64_t first,
                          int64_t last, int64_t width) {
  for (int64_t row = first; row < last; ++row) {
    const float *loc = locs[row], *log_scale = log_scales[row];
    float* d_log_scale = d_log_scales[row];
    float lanes[kLanes] = {};
    over_lanes(
        width, [&](int64_t i, int lane) __attribute__((always_inline)) {
          const float m = loc[i], s = log_scale[i];
          const float excess = exp_lane(2 * s) - 1;  // variance - 1
          d_log_scale[i] = excess;
          lanes[lane] += 0.5f * (m * m + excess) - s;
        });
    sums[row] = sum_of(lanes);
  }
}

Tensor run_kl(const Tensor& loc, const Tensor& log_scale, const Tensor& d_log_scale) {
  const int64_t width = row_width(loc);
  auto sums = empty_sums(loc);
  for_rows(loc.size(0), width, [&](int64_t first, int64_t last) {
    kl_block(Rows(loc), Rows(log_scale), Rows(d_log_scale), sums.data_ptr<float>(), first, last,
             width);
  });
  return sums;
}

struct KlStandard : Node {
  std::string name() const override { return "elbo::KlStandard"; }
  Gradients backward(const Gradients& grads) override {
    const auto loc = input(0), log_scale = input(1);
    if (is_differentiated()) {
      auto factor = over_elements(grads[0], loc);
      return {factor * loc, factor * (2 * log_scale).expm1()};
    }
    return {scale_rows(grads[0], loc), scale_rows(grads[0], made(0))};
  }
};

// deviation: noise on the way in, stretched noise on the way out.
ELBO_CLONES void draw_block(Rows locs, Rows log_scales, Rows deviations, Rows values, int64_t first,
                            int64_t last, int64_t width) {
  for (int64_t row = first; row < last; ++row) {
    const float *loc = locs[row], *log_scale = log_scales[row];
    float *deviation = deviations[row], *value = values[row];
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) {
      deviation[i] *= exp_lane(log_scale[i]);
      value[i] = loc[i] + deviation[i];
    }
  }
}

struct SampleNormal : Node {
  std::string name() const override { return "elbo::SampleNormal"; }
  Gradients backward(const Gradients& grads) override {
    auto deviation = made(0);
    if (is_differentiated()) {
      // The draw is a constant, its stretching is not.
      const auto log_scale = input(0);
      deviation = (deviation * (-log_scale).exp()).detach() * log_scale.exp();
    }
    return {grads[0], grads[0] * deviation};
  }
};

struct Block {
  Rows x, loc, log_scale, mask;  // mask may be absent
  Rows d_loc, d_log_scale;       // d_log_scale is absent where the scale is shared
  float *row_d_scale, *sums;
  int64_t first, last, width;
};

// One scale for all elements: its derivative is summed per row instead of stored.
template <bool kShared, bool kMasked>
ELBO_INLINE void pass(const Block& b) {
  const float shared = *b.log_scale.data, shared_inverse = exp_lane(-shared);
  for (int64_t row = b.first; row < b.last; ++row) {
    const float *x = b.x[row], *loc = b.loc[row], *log_scale = kShared ? nullptr : b.log_scale[row];
    const float* mask = kMasked ? b.mask[row] : nullptr;
    float *d_locs = b.d_loc[row], *d_scales = kShared ? nullptr : b.d_log_scale[row];
    float sums[kLanes] = {}, squares[kLanes] = {};
    over_lanes(
        b.width, [&](int64_t i, int lane) __attribute__((always_inline)) {
          const float s = kShared ? shared : log_scale[i];
          const float inverse = kShared ? shared_inverse : exp_lane(-s);
          const float y = (x[i] - loc[i]) * inverse;
          float value = -0.5f * y * y - s - static_cast<float>(kHalfLogTwoPi), d_loc = y * inverse,
                d_scale = y * y - 1;
          if constexpr (kMasked) {
            const bool kept = mask[i] != 0;
            value = kept ? value : 0.0f;
            d_loc = kept ? d_loc : 0.0f;
            d_scale = kept ? d_scale : 0.0f;
          }
          sums[lane] += value;
          squares[lane] += d_scale;
          d_locs[i] = d_loc;
          if constexpr (!kShared) d_scales[i] = d_scale;
        });
    b.sums[row] = sum_of(sums);
    b.row_d_scale[row] = sum_of(squares);
  }
}

ELBO_CLONES void block_per_element(const Block& b) {
  if (b.mask) {
    pass<false, true>(b);
  } else {
    pass<false, false>(b);
  }
}

ELBO_CLONES void block_shared(const Block& b) {
  if (b.mask) {
    pass<true, true>(b);
  } else {
    pass<true, false>(b);
  }
}

struct Pass {
  Tensor sums, d_loc, d_log_scale;  // d_log_scale: per element, or [rows] where the scale is shared
};

bool is_shared(const Tensor& log_scale, const Tensor& loc) { return log_scale.dim() < loc.dim(); }

Pass run_normal(const Tensor& x, const Tensor& loc, const Tensor& log_scale, const Tensor& mask) {
  const bool shared = is_shared(log_scale, loc);
  auto sums = empty_sums(loc), row_d_scale = empty_sums(loc), d_loc = empty_rows(loc);
  const Tensor d_log_scale = shared ? Tensor() : empty_rows(loc);
  Block all;
  all.x = Rows(x);
  all.loc = Rows(loc);
  all.log_scale.data = log_scale.data_ptr<float>();
  all.log_scale.stride = shared ? 0 : log_scale.stride(0);
  all.mask = Rows(mask);
  all.d_loc = Rows(d_loc);
  all.d_log_scale = Rows(d_log_scale);
  all.row_d_scale = row_d_scale.data_ptr<float>();
  all.sums = sums.data_ptr<float>();
  all.width = row_width(loc);
  for_blocks(all, loc.size(0), all.width, shared ? block_shared : block_per_element);
  return {sums, d_loc, shared ? row_d_scale : d_log_scale};
}

struct NormalRows : Node {
  std::string name() const override { return "elbo::NormalRows"; }
  Gradients backward(const Gradients& grads) override {
    const auto loc = input(1), log_scale = input(2);
    const bool shared = is_shared(log_scale, loc);
    Tensor d_x, d_loc, d_log_scale;
    if (is_differentiated()) {
      const auto x = input(0), mask = input(3);
      auto inverse = (-log_scale).exp();
      auto y = (x - loc) * inverse;
      auto factor = over_elements(grads[0], loc);
      if (mask.defined()) factor = torch::where(mask != 0, factor, torch::zeros_like(factor));
      d_loc = factor * y * inverse;
      d_x = -d_loc;
      d_log_scale = factor * (y * y - 1);
      if (shared) d_log_scale = d_log_scale.sum().reshape(log_scale.sizes());
    } else {
      d_loc = scale_rows(grads[0], made(0));
      if (wanted(0)) d_x = scale_rows(grads[0], made(0), true);
      if (wanted(2)) {
        d_log_scale = shared ? grads[0].dot(made(1)).reshape(log_scale.sizes())
                             : scale_rows(grads[0], made(1));
      }
    }
    return {d_x, d_loc, d_log_scale};
  }
};

ELBO_CLONES void scale_block(const float* factor, Rows ins, Rows outs, float sign, int64_t first,
                             int64_t last, int64_t width) {
  for (int64_t row = first; row < last; ++row) {
    const float f = sign * factor[row];
    const float* in = ins[row];
    float* out = outs[row];
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) out[i] = f * in[i];
  }
}

}  // namespace

Tensor scale_rows(const Tensor& factor, const Tensor& derivative, bool negate) {
  const int64_t width = row_width(derivative);
  auto out = empty_rows(derivative);
  const auto dense_factor = factor.contiguous();
  for_rows(derivative.size(0), width, [&](int64_t first, int64_t last) {
    scale_block(dense_factor.data_ptr<float>(), Rows(derivative), Rows(out), negate ? -1.0f : 1.0f,
                first, last, width);
  });
  return out;
}

bool can_pair(const Tensor& loc, const Tensor& log_scale) {
  return dense_rows(loc) && dense_rows(log_scale) && loc.sizes().equals(log_scale.sizes());
}

Tensor kl_standard(const Tensor& loc, const Tensor& log_scale) {
  const auto d_log_scale = empty_rows(log_scale);
  const auto sums = run_kl(loc, log_scale, d_log_scale);
  const auto node = node_of<KlStandard>(loc, log_scale);
  if (node) {
    node->keep_input(loc);
    node->keep_input(log_scale);
    node->keep(d_log_scale);
  }
  return from_node(sums, node);
}

Tensor sample_normal(const Tensor& loc, const Tensor& log_scale) {
  const auto deviation = torch::randn(loc.sizes(), loc.options().requires_grad(false));
  const auto value = empty_rows(loc);
  const int64_t width = row_width(loc);
  for_rows(loc.size(0), width, [&](int64_t first, int64_t last) {
    draw_block(Rows(loc), Rows(log_scale), Rows(deviation), Rows(value), first, last, width);
  });
  const auto node = node_of<SampleNormal>(loc, log_scale);
  if (node) {
    node->keep_input(log_scale);
    node->keep(deviation);
  }
  return from_node(value, node);
}

bool can_triple(const Tensor& x, const Tensor& loc, const Tensor& log_scale, const Tensor& mask) {
  const bool per_element = dense_rows(log_scale) && log_scale.sizes().equals(loc.sizes());
  const bool one = log_scale.numel() == 1 && log_scale.dim() <= 1 && log_scale.device().is_cpu() &&
                   log_scale.scalar_type() == torch::kFloat32;
  return (per_element || one) && dense_rows(x) && dense_rows(loc) &&
         x.sizes().equals(loc.sizes()) && dense_mask(mask, loc);
}

Tensor normal_rows(const Tensor& x, const Tensor& loc, const Tensor& log_scale,
                   const Tensor& mask) {
  const auto pass = run_normal(x, loc, log_scale, mask);
  const auto node = node_of<NormalRows>(x, loc, log_scale);
  if (node) {
    for (const auto& t : {x, loc, log_scale, mask}) node->keep_input(t);
    node->keep(pass.d_loc);
    node->keep(pass.d_log_scale);
  }
  return from_node(pass.sums, node);
}

}  // namespace elbo::fused
