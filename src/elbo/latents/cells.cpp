#include "elbo/latents/cells.h"

#include <cmath>

namespace elbo {

ChannelMap::ChannelMap(int64_t in, Place out, int64_t kernel, Activation activation) : out_(out) {
  if (out.flat()) {
    dense_ = register_module("dense", std::make_shared<Dense>(in, out.width, activation));
    return;
  }
  ConvolutionPlan plan{in, out.width, {kernel, kernel}, {1, 1}, {kernel / 2, kernel / 2}};
  plan.activation = activation;
  convolution_ = register_module("convolution", std::make_shared<Convolution>(plan));
}

Tensor ChannelMap::forward(const Tensor& x) {
  return dense_ ? dense_->forward(x) : convolution_->forward(x);
}

void ChannelMap::scale(double factor) {
  torch::NoGradGuard no_gradient;
  for (auto& p : parameters()) p.mul_(factor);
}

void ChannelMap::report(const std::string& name, std::vector<LayerReport>& lines) const {
  lines.push_back(dense_ ? dense_->report(name) : convolution_->report(name, out_.shape()));
}

Cell::Cell(const CellPlan& plan, int64_t in, int64_t inner, Place out) {
  const bool norms = plan.norm != "none";
  const bool gated = plan.activation == Activation::kGated;
  if (norms) after_norm_ = plan.activation;
  const auto add = [&](int64_t from, Place to, int64_t kernel, bool last) {
    const auto name = std::to_string(layers_.size());
    const auto follows = last || norms ? Activation::kNone : plan.activation;
    if (!last && norms && gated) to.width *= 2;
    layers_.push_back(
        register_module("layer" + name, std::make_shared<ChannelMap>(from, to, kernel, follows)));
    if (last || !norms) return;
    norms_.push_back(register_module("norm" + name, std::make_shared<Norm>(plan.norm, to.width)));
  };
  if (!out.flat()) {
    inner = std::max<int64_t>(4, std::llround(plan.bottleneck * static_cast<double>(inner)));
  }
  add(in, out.with(inner), 1, false);
  if (!out.flat() && plan.kernel > 1) add(inner, out.with(inner), plan.kernel, false);
  add(inner, out, 1, true);
}

Tensor Cell::forward(const Tensor& x) {
  auto h = x;
  for (size_t i = 0; i < layers_.size(); ++i) {
    h = layers_[i]->forward(h);
    if (i < norms_.size()) h = activate(norms_[i]->forward(h), after_norm_);
  }
  return h;
}

void Cell::report(const std::string& name, std::vector<LayerReport>& lines) const {
  for (size_t i = 0; i < layers_.size(); ++i) {
    layers_[i]->report(name + "." + std::to_string(i), lines);
  }
}

namespace {

/// How many times a grid is the other's in both directions.
int64_t times(Place large, Place small) {
  const int64_t n = large.rows / small.rows;
  check(large.rows == n * small.rows && large.columns == n * small.columns,
        "[latent ladder] strides: found grids of ", large.rows, "x", large.columns, " and ",
        small.rows, "x", small.columns, ", one must be a whole multiple of the other");
  return n;
}

/// The affine map of a move stands at the smaller of the two grids.
std::shared_ptr<ChannelMap> map_between(Place from, Place to, Activation activation) {
  if (from.flat() || to.flat()) {
    return std::make_shared<ChannelMap>(from.width * from.cells(), Place{to.width * to.cells()}, 1,
                                        activation);
  }
  const bool down = from.rows > to.rows;
  const int64_t n = down ? times(from, to) : times(to, from);
  return down
             ? std::make_shared<ChannelMap>(from.width * n * n, to, 1, activation)
             : std::make_shared<ChannelMap>(from.width, from.with(to.width * n * n), 1, activation);
}

}  // namespace

Move::Move(Place from, Place to, Activation activation)
    : from_(from), to_(to), affine_(register_module("affine", map_between(from, to, activation))) {}

Tensor Move::forward(const Tensor& x) {
  if (from_.flat() || to_.flat()) {
    return affine_->forward(x.flatten(1)).reshape(with_rows(x.size(0), to_.shape()));
  }
  if (from_.rows > to_.rows) {
    return affine_->forward(torch::pixel_unshuffle(x, from_.rows / to_.rows));
  }
  const auto y = affine_->forward(x);
  return from_.rows == to_.rows ? y : torch::pixel_shuffle(y, to_.rows / from_.rows);
}

void Move::report(const std::string& name, std::vector<LayerReport>& lines) const {
  affine_->report(name, lines);
}

}  // namespace elbo
