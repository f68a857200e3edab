#include "elbo/objectives/views.h"

#include <ATen/ops/affine_grid_generator.h>
#include <ATen/ops/grid_sampler_2d.h>

#include <cmath>

namespace elbo {
namespace {

/// [B] between -most and most.
Tensor around_zero(int64_t n, double most, const torch::TensorOptions& options) {
  return most * (2 * torch::rand({n}, options) - 1);
}

/// [B, 2, 3] maps from places of the view to places of the picture, both in [-1, 1].
Tensor random_maps(int64_t n, const ViewOptions& o, const torch::TensorOptions& options) {
  const auto angle = around_zero(n, o.rotate * M_PI / 180, options);
  const auto zoom = around_zero(n, std::log1p(o.scale), options).exp();
  const auto slide = around_zero(n, o.shear, options);
  const auto cosine = zoom * angle.cos(), sine = zoom * angle.sin();
  const auto across =
      torch::stack({cosine, slide * cosine - sine, around_zero(n, 2 * o.shift, options)}, 1);
  const auto down =
      torch::stack({sine, slide * sine + cosine, around_zero(n, 2 * o.shift, options)}, 1);
  return torch::stack({across, down}, 1);
}

/// 0 within a square at a random place of each picture, else 1: [B, 1, H, W].
Tensor random_holes(const Tensor& x, double side) {
  const auto inside = [&](int64_t axis) {
    const int64_t size = x.size(axis);
    const auto middle = torch::rand({x.size(0), 1}, x.options()) * static_cast<double>(size);
    const auto place = torch::arange(size, x.options()) + 0.5;
    return (place - middle).abs() < 0.5 * side * static_cast<double>(size);
  };
  const auto hole = inside(2).unsqueeze(2).logical_and(inside(3).unsqueeze(1));
  return hole.logical_not().unsqueeze(1).to(x.scalar_type());
}

}  // namespace

Tensor random_views(const Tensor& x, const ViewOptions& o) {
  constexpr int64_t kBilinear = 0, kZeros = 0;
  const auto maps = random_maps(x.size(0), o, x.options());
  const auto grid = at::affine_grid_generator(maps, x.sizes(), false);
  const auto view = at::grid_sampler_2d(x, grid, kBilinear, kZeros, false);
  return o.erase > 0 ? view * random_holes(x, o.erase) : view;
}

}  // namespace elbo
