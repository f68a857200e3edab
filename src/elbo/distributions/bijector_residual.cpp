#include <cmath>

#include "elbo/distributions/bijector.h"

// z plus a bounded change along few directions: planar, radial, Sylvester.

namespace elbo {
namespace {

Tensor along(const Tensor& a, const Tensor& b) { return (a * b).sum(-1, true); }  // [..., 1]

// The root of v + c tanh(s v + b) = y, where c s > -1 makes the left side increase in v.
Tensor increasing_root(const Tensor& y, const Tensor& c, const Tensor& s, const Tensor& b) {
  auto low = y - c.abs(), high = y + c.abs();
  const int64_t halvings = y.scalar_type() == torch::kFloat64 ? 56 : 27;
  for (int64_t i = 0; i < halvings; ++i) {
    const auto middle = 0.5 * (low + high);
    const auto above = middle + c * (s * middle + b).tanh() > y;
    high = torch::where(above, middle, high);
    low = torch::where(above, low, middle);
  }
  return 0.5 * (low + high);
}

class Planar : public Bijector {
 public:
  Planar(const Tensor& u, const Tensor& w, const Tensor& b) : w_(w), b_(b) {
    // w'u must lie above -1. softplus is shifted so that u = 0 stays 0, whatever w is.
    const auto wu = along(w, u);
    const auto kept = torch::softplus(wu + std::log(M_E - 1)) - 1;
    u_ = u + (kept - wu) * w / along(w, w).clamp_min(1e-12);
    slope_ = along(w, u_);
  }

  Mapped push(const Tensor& z) const override {
    const auto t = (along(w_, z) + b_).tanh();
    return {z + u_ * t, log_det(t)};
  }

  Mapped pull(const Tensor& y) const override {
    const auto target = along(w_, y);
    Tensor a;  // w'z
    {
      torch::NoGradGuard no_gradient;
      a = increasing_root(target, slope_, torch::ones_like(slope_), b_);
    }
    // One Newton step from the root: the value stays, the gradient is the implicit one.
    const auto residual = a + slope_ * (a + b_).tanh() - target;
    const auto t0 = (a + b_).tanh().detach();
    a = a - residual / (1 + slope_.detach() * (1 - t0 * t0));
    const auto t = (a + b_).tanh();
    return {y - u_ * t, -log_det(t)};
  }

 private:
  Tensor log_det(const Tensor& t) const { return (slope_ * (1 - t * t)).log1p().squeeze(-1); }

  Tensor u_, w_, b_, slope_;
};

class Radial : public Bijector {
 public:
  Radial(const Tensor& centre, const Tensor& log_alpha, const Tensor& raw_beta)
      : centre_(centre), alpha_(log_alpha.exp()) {
    // Above -alpha, and 0 for 0.
    beta_ = torch::softplus(raw_beta + alpha_.expm1().log()) - alpha_;
  }

  Mapped push(const Tensor& z) const override {
    const auto away = z - centre_;
    const auto r = length(away);
    return {z + beta_ * away / (alpha_ + r), log_det(r, z.size(-1))};
  }

  Mapped pull(const Tensor& y) const override {
    const auto away = y - centre_;
    const auto rho = length(away);
    // r + beta r / (alpha + r) = rho is quadratic in r; of the two forms of its root the one that
    // subtracts nothing.
    const auto b = alpha_ + beta_ - rho;
    const auto root = (b * b + 4 * alpha_ * rho).sqrt();
    const auto r = torch::where(b > 0, 2 * alpha_ * rho / (root + b.abs()), 0.5 * (root + b.abs()));
    return {centre_ + away / (1 + beta_ / (alpha_ + r)), -log_det(r, y.size(-1))};
  }

 private:
  // Its gradient at 0 is finite.
  static Tensor length(const Tensor& a) { return (along(a, a) + 1e-24).sqrt(); }

  Tensor log_det(const Tensor& r, int64_t d) const {
    const auto h = beta_ / (alpha_ + r);
    const auto radially = h - beta_ * r / (alpha_ + r).square();
    return ((d - 1) * h.log1p() + radially.log1p()).squeeze(-1);
  }

  Tensor centre_, alpha_, beta_;
};

Tensor times(const Tensor& matrix, const Tensor& vector) {
  return matrix.matmul(vector.unsqueeze(-1)).squeeze(-1);
}

class Sylvester : public Bijector {
 public:
  Sylvester(const Tensor& Q, const Tensor& R, const Tensor& S, const Tensor& b)
      : Q_(Q), R_(R), S_(S), b_(b), diagonal_(diagonal(R) * diagonal(S)) {}

  Mapped push(const Tensor& z) const override {
    const auto t = (times(S_, times(Q_.transpose(-1, -2), z)) + b_).tanh();
    return {z + times(Q_, times(R_, t)), log_det(t)};
  }

  Mapped pull(const Tensor& y) const override {
    const auto target = times(Q_.transpose(-1, -2), y);  // v + R tanh(S v + b)
    const auto v0 = solve(target);
    const auto residual = v0 + times(R_, (times(S_, v0) + b_).tanh()) - target;
    Tensor jacobian;
    {
      torch::NoGradGuard no_gradient;
      const auto t0 = (times(S_, v0) + b_).tanh();
      jacobian = torch::eye(S_.size(-1), S_.options()) +
                 R_.matmul((1 - t0 * t0).unsqueeze(-1) * S_);  // upper triangular
    }
    auto lead = residual.sizes().vec();
    const auto step =
        torch::linalg_solve_triangular(jacobian, residual.unsqueeze(-1), true, true, false);
    const auto v = v0 - step.reshape(lead);
    const auto t = (times(S_, v) + b_).tanh();
    return {y - times(Q_, times(R_, t)), -log_det(t)};
  }

 private:
  static Tensor diagonal(const Tensor& a) { return a.diagonal(0, -2, -1); }
  Tensor log_det(const Tensor& t) const { return (diagonal_ * (1 - t * t)).log1p().sum(-1); }

  // From the last number to the first: each is the root of an increasing function.
  Tensor solve(const Tensor& target) const {
    torch::NoGradGuard no_gradient;
    const int64_t m = target.size(-1);
    auto v = torch::zeros_like(target);
    auto t = torch::zeros_like(target);
    const auto one = [](const Tensor& a, int64_t i) { return a.narrow(-1, i, 1); };
    for (int64_t i = m - 1; i >= 0; --i) {
      const auto R = R_.select(-2, i), S = S_.select(-2, i);
      const auto known = (S * v).sum(-1, true) + one(b_, i);
      const auto y = one(target, i) - (R * t).sum(-1, true);
      const auto root = increasing_root(y, one(R, i).expand_as(y), one(S, i), known);
      v.narrow(-1, i, 1).copy_(root);
      t.narrow(-1, i, 1).copy_((one(S, i) * root + known).tanh());
    }
    return v;
  }

  Tensor Q_, R_, S_, b_, diagonal_;
};

}  // namespace

Bijection planar(const Tensor& u, const Tensor& w, const Tensor& b) {
  return std::make_shared<Planar>(u, w, b);
}

Bijection radial(const Tensor& centre, const Tensor& log_alpha, const Tensor& raw_beta) {
  return std::make_shared<Radial>(centre, log_alpha, raw_beta);
}

Bijection sylvester(const Tensor& Q, const Tensor& R, const Tensor& S, const Tensor& b) {
  return std::make_shared<Sylvester>(Q, R, S, b);
}

}  // namespace elbo
