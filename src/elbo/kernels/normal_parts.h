#pragma once

#include "elbo/kernels/arithmetic.h"
#include "elbo/kernels/choice.h"
#include "elbo/kernels/densities.h"
#include "elbo/kernels/node.h"
#include "elbo/kernels/rows.h"

// What the fused kernels of normals share: parameters, and derivatives by them, that lie apart or
// in one tensor.

namespace elbo::kernels {

/// The rows of the two parts; a part that is absent has none.
struct HalvedRows {
  Rows first, second;
  HalvedRows() = default;
  explicit HalvedRows(const Halved& t) : first(t.first), second(t.second) {
    if (!t.both.defined()) return;
    first = second = Rows(t.both);
    second.data += row_width(t.both) / 2;
  }
};

/// The shape of one part.
inline Shape part_shape(const Halved& t) {
  if (!t.both.defined()) return t.first.sizes().vec();
  auto shape = t.both.sizes().vec();
  shape[1] /= 2;
  return shape;
}
inline int64_t part_width(const Halved& t) {
  return t.both.defined() ? row_width(t.both) / 2 : row_width(t.first);
}
inline const Tensor& any_part(const Halved& t) { return t.both.defined() ? t.both : t.first; }
/// Uninitialised, with the layout of t.
inline Halved empty_halved(const Halved& t) {
  if (t.both.defined()) return {{}, {}, empty_rows(t.both)};
  return {empty_rows(t.first), empty_rows(t.second), {}};
}

/// Differentiable location and log scale, the latter bounded.
inline std::pair<Tensor, Tensor> apart(const NormalParameters& p) {
  if (!p.both.defined()) return {p.first, p.second};
  return halves(p.both, p.low, p.high);
}
/// Whether the fused forms take these parameters: two of one shape, or halves.
inline bool fuses_parameters(const NormalParameters& p) {
  if (p.both.defined()) return fuses_halves(p.both);
  return fuses_rows(p.first) && fuses_like(p.second, p.first);
}

/// A node whose last inputs are location and log scale, or both in one.
struct PairNode : Node {
  double low = 0, high = 0;
  bool joined = false;

  void keep_parameters(const NormalParameters& p) {
    low = p.low;
    high = p.high;
    joined = p.both.defined();
    at_ = kept_inputs();
    if (joined) return keep_input(p.both);
    keep_input(p.first);
    keep_input(p.second);
  }

 protected:
  /// Differentiable, the log scale bounded.
  std::pair<Tensor, Tensor> parameters() const {
    if (!joined) return {input(at_), input(at_ + 1)};
    const auto parts = input(at_).chunk(2, 1);
    return {parts[0], parts[1].clamp(low, high)};
  }
  /// What to return for them, given derivatives by both; differentiable.
  Gradients as_inputs(const Tensor& d_loc, const Tensor& d_log_scale) const {
    if (!joined) return {d_loc, d_log_scale};
    const auto second = input(at_).chunk(2, 1)[1];
    const auto inside = (second >= low).logical_and(second <= high);
    return {torch::cat({d_loc, d_log_scale * inside}, 1)};
  }

 private:
  size_t at_ = 0;
};

/// A node behind these inputs and parameters; null where no gradient is asked for.
template <class N, class... Inputs>
auto pair_node(const NormalParameters& p, const Inputs&... inputs) {
  return p.both.defined() ? node_of<N>(inputs..., p.both)
                          : node_of<N>(inputs..., p.first, p.second);
}

/// v within [low, high]; comparisons in this order keep NaN.
ELBO_INLINE float bounded(float v, float low, float high) {
  return v < low ? low : v > high ? high : v;
}
/// d, or 0 where v had to be bounded.
ELBO_INLINE float where_free(float d, float v, float low, float high) {
  return v < low || v > high ? 0.0f : d;
}

}  // namespace elbo::kernels
