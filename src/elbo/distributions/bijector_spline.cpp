#include <cmath>

#include "elbo/distributions/bijector.h"

namespace elbo {
namespace {

constexpr double kLeast = 1e-3;  // of a bin's width and height (shares), and of a slope

/// The bins of a monotone rational-quadratic spline and the one that each number falls into.
class Spline {
 public:
  Spline(const Tensor& x, const Tensor& theta, int64_t bins, double bound) : bound_(bound) {
    auto shape = at::infer_size(x.sizes(), theta.sizes().slice(0, theta.dim() - 1));
    x_ = x.expand(shape);
    inside_ = x_.abs() < bound;
    clamped_ = x_.clamp(-bound, bound).unsqueeze(-1);
    shape.push_back(theta.size(-1));
    const auto all = theta.expand(shape);
    across_ = knots(all.narrow(-1, 0, bins));
    up_ = knots(all.narrow(-1, bins, bins));
    // Slope 1 where theta is 0, and at both ends, where the identity goes on.
    const auto inner = kLeast + torch::softplus(all.narrow(-1, 2 * bins, bins - 1) +
                                                std::log(std::expm1(1 - kLeast)));
    slope_ = torch::constant_pad_nd(inner, {1, 1}, 1);
  }

  Mapped push() {
    find(across_);
    const auto t = (clamped_.squeeze(-1) - x0_) / width_;
    const auto rest = t * (1 - t);
    const auto y = y0_ + height_ * (mean_slope_ * t * t + d0_ * rest) / denominator(rest);
    return outside(y, log_slope(t, rest));
  }

  Mapped pull() {
    find(up_);
    const auto dy = clamped_.squeeze(-1) - y0_;
    const auto bend = dy * (d1_ + d0_ - 2 * mean_slope_);
    const auto a = height_ * (mean_slope_ - d0_) + bend;
    const auto b = height_ * d0_ - bend;
    const auto c = -mean_slope_ * dy;
    // The root in [0, 1], in the form that cancels nothing.
    const auto t = 2 * c / (-b - (b * b - 4 * a * c).clamp_min(0).sqrt());
    return outside(x0_ + t * width_, -log_slope(t, t * (1 - t)));
  }

 private:
  // [..., bins + 1] from -bound to bound.
  Tensor knots(const Tensor& raw) const {
    const double bins = static_cast<double>(raw.size(-1));
    const auto share = kLeast + (1 - kLeast * bins) * raw.softmax(-1);
    const auto inner = share.cumsum(-1).narrow(-1, 0, raw.size(-1) - 1);
    auto places = torch::constant_pad_nd(inner, {1, 0}, 0);
    places = torch::constant_pad_nd(places, {0, 1}, 1);
    return bound_ * (2 * places - 1);
  }

  void find(const Tensor& edges) {
    const auto inner = edges.narrow(-1, 1, edges.size(-1) - 2);
    const auto bin = (clamped_ >= inner).sum(-1, true);  // [..., 1]
    const auto at = [&](const Tensor& knots, int64_t next) {
      return knots.gather(-1, bin + next).squeeze(-1);
    };
    x0_ = at(across_, 0);
    y0_ = at(up_, 0);
    width_ = at(across_, 1) - x0_;
    height_ = at(up_, 1) - y0_;
    d0_ = at(slope_, 0);
    d1_ = at(slope_, 1);
    mean_slope_ = height_ / width_;
  }

  Tensor denominator(const Tensor& rest) const {
    return mean_slope_ + (d1_ + d0_ - 2 * mean_slope_) * rest;
  }

  Tensor log_slope(const Tensor& t, const Tensor& rest) const {
    const auto top = d1_ * t * t + 2 * mean_slope_ * rest + d0_ * (1 - t).square();
    return 2 * mean_slope_.log() + top.log() - 2 * denominator(rest).log();
  }

  Mapped outside(const Tensor& value, const Tensor& log_det) const {
    return {torch::where(inside_, value, x_),
            torch::where(inside_, log_det, torch::zeros({}, log_det.options()))};
  }

  double bound_;
  Tensor x_, inside_, clamped_, across_, up_, slope_;
  Tensor x0_, y0_, width_, height_, d0_, d1_, mean_slope_;
};

}  // namespace

Transform spline_transform(int64_t bins, double bound) {
  return {
      3 * bins - 1,
      [=](const Tensor& x, const Tensor& theta) { return Spline(x, theta, bins, bound).push(); },
      [=](const Tensor& y, const Tensor& theta) { return Spline(y, theta, bins, bound).pull(); }};
}

}  // namespace elbo
