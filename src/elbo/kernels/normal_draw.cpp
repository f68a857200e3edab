#include <ATen/ExpandUtils.h>

#include "elbo/core/profile.h"
#include "elbo/kernels/choice.h"
#include "elbo/kernels/normal_parts.h"

namespace elbo::kernels {
namespace {

struct DrawBlock {
  HalvedRows p;
  float low = 0, high = 0;
  HalvedRows d;  // a part that is absent is not asked for
  float* sums = nullptr;
  Rows deviation, value;  // of a draw
  int64_t first = 0, last = 0, width = 0;
};

DrawBlock draw_block_of(const NormalParameters& p, const Halved& derivative) {
  DrawBlock b;
  b.p = HalvedRows(p);
  b.low = static_cast<float>(p.low);
  b.high = static_cast<float>(p.high);
  b.d = HalvedRows(derivative);
  b.width = part_width(p);
  return b;
}

template <class F>
void over_rows_of(const NormalParameters& p, const DrawBlock& all, const F& f) {
  over_blocks(all, any_part(p).size(0), float_bytes(all.width, 4), f);
}

ELBO_CLONES void kl_block(const DrawBlock& b) {
  const float low = b.low, high = b.high;  // stores could change those behind b
  for (int64_t row = b.first; row < b.last; ++row) {
    const float *loc = b.p.first[row], *log_scale = b.p.second[row];
    float *d_loc = b.d.first ? b.d.first[row] : nullptr, *d_log_scale = b.d.second[row];
    float lanes[kLanes] = {};
    over_lanes(
        b.width, [&](int64_t i, int lane) __attribute__((always_inline)) {
          const float m = loc[i], v = log_scale[i], s = bounded(v, low, high);
          const float excess = fast_exp(2 * s) - 1;  // variance - 1
          d_log_scale[i] = where_free(excess, v, low, high);
          lanes[lane] += 0.5f * (m * m + excess) - s;
        });
    if (d_loc) std::copy_n(loc, b.width, d_loc);
    b.sums[row] = sum_of(lanes);
  }
}

struct KlStandard : PairNode {
  std::string name() const override { return "elbo::KlStandard"; }
  Gradients backward(const Gradients& grads) override {
    if (is_differentiated()) {
      const auto [loc, log_scale] = parameters();
      const auto factor = over_elements(grads[0], loc);
      return as_inputs(factor * loc, factor * (2 * log_scale).expm1());
    }
    if (joined) return {scale_rows(grads[0], made(0))};
    return {scale_rows(grads[0], input(0)), scale_rows(grads[0], made(0))};
  }
};

// deviation: noise on the way in; on the way out it is stretched, and 0 where the scale is bounded.
ELBO_CLONES void draw_block(const DrawBlock& b) {
  const float low = b.low, high = b.high;
  for (int64_t row = b.first; row < b.last; ++row) {
    const float *loc = b.p.first[row], *log_scale = b.p.second[row];
    float *deviation = b.deviation[row], *value = b.value[row];
#pragma omp simd
    for (int64_t i = 0; i < b.width; ++i) {
      const float v = log_scale[i], d = deviation[i] * fast_exp(bounded(v, low, high));
      value[i] = loc[i] + d;
      deviation[i] = where_free(d, v, low, high);
    }
  }
}

// The derivatives of a draw, given that of its value.
ELBO_CLONES void spread_block(const DrawBlock& b) {
  for (int64_t row = b.first; row < b.last; ++row) {
    const float *deviation = b.deviation[row], *d = b.value[row];
    float *d_loc = b.d.first[row], *d_log_scale = b.d.second[row];
#pragma omp simd
    for (int64_t i = 0; i < b.width; ++i) {
      d_loc[i] = d[i];
      d_log_scale[i] = d[i] * deviation[i];
    }
  }
}

struct SampleNormal : PairNode {
  std::string name() const override { return "elbo::SampleNormal"; }
  Gradients backward(const Gradients& grads) override {
    const auto& deviation = made(0);
    if (is_differentiated()) {
      // The draw is a constant, its stretching is not; where the scale is bounded neither counts.
      const auto [loc, log_scale] = parameters();
      const auto stretched = (deviation * (-log_scale).exp()).detach() * log_scale.exp();
      return as_inputs(grads[0], grads[0] * stretched);
    }
    if (!joined) return {grads[0], grads[0] * deviation};
    const auto d = grads[0].contiguous();
    const Halved d_h{{}, {}, empty_rows(input(0))};
    DrawBlock all;
    all.d = HalvedRows(d_h);
    all.deviation = Rows(deviation);
    all.value = Rows(d);
    all.width = row_width(d);
    over_blocks(all, d.size(0), float_bytes(all.width, 4), spread_block);
    return {d_h.both};
  }
};

}  // namespace

Tensor kl_standard(const NormalParameters& p) {
  if (!fuses_parameters(p)) {
    const auto [loc, log_scale] = apart(p);
    return row_sum(0.5 * loc * loc + 0.5 * (2 * log_scale).expm1() - log_scale);
  }
  const Timed timed("normal KL");
  // Apart, the derivative by the location is the location itself.
  const Halved derivative =
      p.both.defined() ? empty_halved(p) : Halved{{}, empty_rows(p.second), {}};
  auto all = draw_block_of(p, derivative);
  const auto sums = empty_sums(any_part(p));
  all.sums = sums.data_ptr<float>();
  over_rows_of(p, all, kl_block);
  const auto node = pair_node<KlStandard>(p);
  if (node) {
    node->keep_parameters(p);
    node->keep(p.both.defined() ? derivative.both : derivative.second);
  }
  return from_node(sums, node);
}

Tensor sample_normal(const NormalParameters& p) {
  if (!fuses_parameters(p)) {
    const auto [loc, log_scale] = apart(p);
    const auto shape = at::infer_size(loc.sizes(), log_scale.sizes());
    return loc + log_scale.exp() * torch::randn(shape, loc.options());
  }
  const Timed timed("normal draw");
  const auto options = any_part(p).options().requires_grad(false);
  const auto deviation = torch::randn(part_shape(p), options);
  const auto value = empty_floats(deviation.sizes());
  auto all = draw_block_of(p, Halved());
  all.deviation = Rows(deviation);
  all.value = Rows(value);
  over_rows_of(p, all, draw_block);
  const auto node = pair_node<SampleNormal>(p);
  if (node) {
    node->keep_parameters(p);
    node->keep(deviation);
  }
  return from_node(value, node);
}

}  // namespace elbo::kernels
