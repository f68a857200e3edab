#include "elbo/core/profile.h"
#include "elbo/kernels/arithmetic.h"
#include "elbo/kernels/choice.h"
#include "elbo/kernels/node.h"
#include "elbo/kernels/rows.h"

namespace elbo::kernels {
namespace {

struct HalvesBlock {
  Rows h, first_half, second_half;
  float low, high;
  int64_t first, last, half;
};

ELBO_CLONES void part_block(const HalvesBlock& b) {
  for (int64_t row = b.first; row < b.last; ++row) {
    const float* h = b.h[row];
    float *one = b.first_half[row], *two = b.second_half[row];
#pragma omp simd
    for (int64_t i = 0; i < b.half; ++i) {
      const float v = h[b.half + i];
      one[i] = h[i];
      // Comparisons in this order keep NaN.
      two[i] = v < b.low ? b.low : v > b.high ? b.high : v;
    }
  }
}

ELBO_CLONES void join_block(const HalvesBlock& b, Rows d_h) {
  for (int64_t row = b.first; row < b.last; ++row) {
    const float *h = b.h[row], *one = b.first_half[row], *two = b.second_half[row];
    float* d = d_h[row];
#pragma omp simd
    for (int64_t i = 0; i < b.half; ++i) {
      const float v = h[b.half + i];
      d[i] = one[i];
      d[b.half + i] = v >= b.low && v <= b.high ? two[i] : 0.0f;
    }
  }
}

HalvesBlock halves_block_of(const Tensor& h, const Tensor& one, const Tensor& two, double low,
                            double high) {
  return {Rows(h), Rows(one), Rows(two),       static_cast<float>(low), static_cast<float>(high),
          0,       0,         row_width(h) / 2};
}

struct Halves : Node {
  double low = 0, high = 0;

  std::string name() const override { return "elbo::Halves"; }
  Gradients backward(const Gradients& grads) override {
    const auto h = input(0);
    const auto given = [&](int64_t part) {
      return grads[part].defined() ? grads[part].contiguous()
                                   : torch::zeros_like(h.chunk(2, 1)[part]).contiguous();
    };
    const auto one = given(0), two = given(1);
    if (is_differentiated()) {
      const auto second = h.chunk(2, 1)[1];
      const auto inside = (second >= low).logical_and(second <= high);
      return {torch::cat({one, torch::where(inside, two, torch::zeros_like(two))}, 1)};
    }
    const auto d_h = empty_rows(h);
    over_blocks(halves_block_of(h, one, two, low, high), h.size(0), float_bytes(row_width(h), 3),
                [d = Rows(d_h)](const HalvesBlock& block) { join_block(block, d); });
    return {d_h};
  }
};

}  // namespace

std::pair<Tensor, Tensor> halves(const Tensor& h, double low, double high) {
  if (!fuses_halves(h)) {
    const auto parts = h.chunk(2, 1);
    return {parts[0], parts[1].clamp(low, high)};
  }
  const Timed timed("halves");
  auto shape = h.sizes().vec();
  shape[1] /= 2;
  const auto one = empty_floats(shape), two = empty_floats(shape);
  over_blocks(halves_block_of(h, one, two, low, high), h.size(0), float_bytes(row_width(h), 2),
              part_block);
  const auto node = node_of<Halves>(h);
  if (node) {
    node->keep_input(h);
    node->low = low;
    node->high = high;
  }
  return {from_node(one, node), from_node(two, node)};
}

}  // namespace elbo::kernels
