#include <cmath>

#include "elbo/core/constants.h"
#include "elbo/core/profile.h"
#include "elbo/kernels/choice.h"
#include "elbo/kernels/normal_parts.h"

namespace elbo::kernels {
namespace {

struct DensityBlock {
  HalvedRows p,
      d;         // parameters and derivatives, d.second one number a row where the scale is shared
  Rows x, mask;  // mask may be absent
  float low = 0, high = 0;
  float* sums = nullptr;
  int64_t first = 0, last = 0, width = 0;
};

// One scale for all elements: its derivative is summed per row instead of stored.
template <bool kShared, bool kMasked>
ELBO_INLINE void density_pass(const DensityBlock& b) {
  // In variables: what a store may change is no matter for vectors.
  const float low = b.low, high = b.high;
  const float shared = *b.p.second.data, shared_inverse = fast_exp(-shared);
  for (int64_t row = b.first; row < b.last; ++row) {
    const float *x = b.x[row], *loc = b.p.first[row];
    const float* log_scale = kShared ? nullptr : b.p.second[row];
    const float* mask = kMasked ? b.mask[row] : nullptr;
    float *d_locs = b.d.first[row], *d_scales = kShared ? nullptr : b.d.second[row];
    float sums[kLanes] = {}, squares[kLanes] = {};
    over_lanes(
        b.width, [&](int64_t i, int lane) __attribute__((always_inline)) {
          const float v = kShared ? shared : log_scale[i];
          const float s = kShared ? shared : bounded(v, low, high);
          const float inverse = kShared ? shared_inverse : fast_exp(-s);
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
          d_locs[i] = d_loc;
          if constexpr (kShared) {
            squares[lane] += d_scale;
          } else {
            d_scales[i] = where_free(d_scale, v, low, high);
          }
        });
    b.sums[row] = sum_of(sums);
    if constexpr (kShared) *b.d.second[row] = sum_of(squares);
  }
}

ELBO_CLONES void block_per_element(const DensityBlock& b) {
  if (b.mask) {
    density_pass<false, true>(b);
  } else {
    density_pass<false, false>(b);
  }
}

ELBO_CLONES void block_shared(const DensityBlock& b) {
  if (b.mask) {
    density_pass<true, true>(b);
  } else {
    density_pass<true, false>(b);
  }
}

bool is_shared(const NormalParameters& p) {
  return !p.both.defined() && p.second.dim() < p.first.dim();
}

/// The sums of rows; `derivative` receives those by the parameters: the scale's per element, or
/// [rows] where it is shared.
Tensor run_normal(const Tensor& x, const NormalParameters& p, const Tensor& mask,
                  Halved& derivative) {
  const bool shared = is_shared(p);
  auto sums = empty_sums(any_part(p));
  derivative = shared ? Halved{empty_rows(p.first), empty_sums(p.first), {}} : empty_halved(p);
  DensityBlock all;
  all.p = HalvedRows(p);
  all.d = HalvedRows(derivative);
  all.x = Rows(x);
  all.mask = Rows(mask);
  all.low = static_cast<float>(p.low);
  all.high = static_cast<float>(p.high);
  all.sums = sums.data_ptr<float>();
  all.width = part_width(p);
  const int64_t bytes = float_bytes(all.width, 5);
  const Timed timed("normal density", nullptr, {0, 1.0 * x.size(0) * bytes});
  over_blocks(all, x.size(0), bytes, shared ? block_shared : block_per_element);
  return sums;
}

struct NormalRows : PairNode {
  std::string name() const override { return "elbo::NormalRows"; }
  Gradients backward(const Gradients& grads) override {
    const auto by = is_differentiated() ? by_operations(grads[0]) : by_products(grads[0]);
    Gradients result{by.first};
    result.insert(result.end(), by.second.begin(), by.second.end());
    return result;
  }

 private:
  using Derivatives = std::pair<Tensor, Gradients>;  // by x, and by the parameters

  Derivatives by_operations(const Tensor& grad) const {
    const auto [loc, log_scale] = parameters();
    const auto x = input(0), mask = input(1), inverse = (-log_scale).exp();
    const auto y = (x - loc) * inverse;
    auto factor = over_elements(grad, loc);
    if (mask.defined()) factor = torch::where(mask != 0, factor, torch::zeros_like(factor));
    const auto d_loc = factor * y * inverse;
    auto d_log_scale = factor * (y * y - 1);
    if (log_scale.dim() < loc.dim()) d_log_scale = d_log_scale.sum().reshape(log_scale.sizes());
    return {-d_loc, as_inputs(d_loc, d_log_scale)};
  }

  Derivatives by_products(const Tensor& grad) const {
    if (joined) {
      const auto d_h = scale_rows(grad, made(0));
      return {wanted(0) ? -d_h.narrow(1, 0, d_h.size(1) / 2) : Tensor(), {d_h}};
    }
    const auto d_loc = scale_rows(grad, made(0));
    const auto& by_scale = made(1);
    const auto d_scale = !wanted(2)            ? Tensor()
                         : by_scale.dim() == 1 ? grad.dot(by_scale).reshape(input(3).sizes())
                                               : scale_rows(grad, by_scale);
    return {wanted(0) ? scale_rows(grad, made(0), true) : Tensor(), {d_loc, d_scale}};
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

/// Whether the fused form applies; a log scale apart has the shape of loc or one element.
bool fuses_density(const Tensor& x, const NormalParameters& p, const Tensor& mask) {
  if (!fuses_rows(x) || !fuses_mask(mask, x)) return false;
  if (p.both.defined()) return fuses_halves(p.both) && x.sizes().equals(part_shape(p));
  const bool one = p.second.numel() == 1 && p.second.dim() <= 1 && is_cpu_float(p.second);
  return (one ? fuses_rows(p.first) : fuses_parameters(p)) && x.sizes().equals(p.first.sizes());
}

}  // namespace

Tensor scale_rows(const Tensor& factor, const Tensor& derivative, bool negate) {
  const int64_t width = row_width(derivative);
  const Timed timed("gradient of a density", nullptr, {0, 2.0 * derivative.nbytes()});
  auto out = empty_rows(derivative);
  const auto dense_factor = factor.contiguous();
  over_items(derivative.size(0), float_bytes(width, 2), [&](int64_t first, int64_t last) {
    scale_block(dense_factor.data_ptr<float>(), Rows(derivative), Rows(out), negate ? -1.0f : 1.0f,
                first, last, width);
  });
  return out;
}

Tensor normal_rows(const Tensor& x, const NormalParameters& p, const Tensor& mask) {
  if (!fuses_density(x, p, mask)) {
    const auto [loc, log_scale] = apart(p);
    const auto y = (x - loc) * (-log_scale).exp();
    return row_sum(-(0.5 * y * y) - log_scale - kHalfLogTwoPi, mask);
  }
  Halved derivative;
  const auto sums = run_normal(x, p, mask, derivative);
  const auto node = pair_node<NormalRows>(p, x);
  if (node) {
    node->keep_input(x);
    node->keep_input(mask);
    node->keep_parameters(p);
    if (p.both.defined()) {
      node->keep(derivative.both);
    } else {
      node->keep(derivative.first);
      node->keep(derivative.second);
    }
  }
  return from_node(sums, node);
}

}  // namespace elbo::kernels
