#include "elbo/distributions/bijector.h"

namespace elbo {
namespace {

class Inverted : public Bijector {
 public:
  explicit Inverted(Bijection map) : map_(std::move(map)) {}
  Mapped push(const Tensor& z) const override { return map_->pull(z); }
  Mapped pull(const Tensor& y) const override { return map_->push(y); }

 private:
  Bijection map_;
};

class Householder : public Bijector {
 public:
  explicit Householder(const Tensor& v) : v_(v / v.norm(2, -1, true).clamp_min(1e-12)) {}

  Mapped push(const Tensor& z) const override { return reflect(z, 0, 1); }
  Mapped pull(const Tensor& y) const override { return reflect(y, v_.size(-2) - 1, -1); }

 private:
  Mapped reflect(Tensor z, int64_t first, int64_t step) const {
    for (int64_t i = 0; i < v_.size(-2); ++i) {
      const auto v = v_.select(-2, first + i * step);
      z = z - 2 * v * (v * z).sum(-1, true);
    }
    return {z, torch::zeros(z.sizes().slice(0, z.dim() - 1), z.options())};
  }

  Tensor v_;  // [..., k, d] of length 1
};

class Autoregressive : public Bijector {
 public:
  Autoregressive(Transform transform, Conditioned net)
      : transform_(std::move(transform)), net_(std::move(net)) {}

  Mapped push(const Tensor& z) const override { return summed(transform_.push(z, net_(z))); }

  /// Each pass makes one more number right, in the order of the net.
  Mapped pull(const Tensor& y) const override {
    Mapped z{torch::zeros_like(y), Tensor()};
    for (int64_t i = 0; i < y.size(-1); ++i) z = transform_.pull(y, net_(z.value));
    return summed(z);
  }

 private:
  static Mapped summed(const Mapped& each) { return {each.value, each.log_det.sum(-1)}; }

  Transform transform_;
  Conditioned net_;
};

class Coupling : public Bijector {
 public:
  Coupling(Transform transform, Conditioned net, const Tensor& kept, const Tensor& moved)
      : transform_(std::move(transform)), net_(std::move(net)), kept_(kept), moved_(moved) {
    back_ = torch::cat({kept, moved}).argsort();
  }
  Mapped push(const Tensor& z) const override { return apply(z, transform_.push); }
  Mapped pull(const Tensor& y) const override { return apply(y, transform_.pull); }

 private:
  Mapped apply(const Tensor& z,
               const std::function<Mapped(const Tensor&, const Tensor&)>& transform) const {
    const auto kept = z.index_select(-1, kept_);
    const auto moved = transform(z.index_select(-1, moved_), net_(kept));
    auto lead = moved.value.sizes().vec();
    lead.back() = kept.size(-1);
    const auto y = torch::cat({kept.expand(lead), moved.value}, -1).index_select(-1, back_);
    return {y, moved.log_det.sum(-1)};
  }

  Transform transform_;
  Conditioned net_;
  Tensor kept_, moved_, back_;
};

// s softly bounded; near 0 it is s itself.
Tensor bounded(const Tensor& s, double limit) { return limit * (s / limit).tanh(); }

}  // namespace

Bijection inverted(Bijection map) { return std::make_shared<Inverted>(std::move(map)); }

Bijection householder(const Tensor& v) { return std::make_shared<Householder>(v); }

Tensor reflect_identity(const Tensor& v, int64_t m) {
  // Row i of the identity's first m, pushed, is column i of the product.
  const auto rows = torch::eye(v.size(-1), v.options()).slice(0, 0, m);
  return Householder(v.unsqueeze(-3)).push(rows).value.transpose(-1, -2);
}

Bijection autoregressive(Transform transform, Conditioned net) {
  return std::make_shared<Autoregressive>(std::move(transform), std::move(net));
}

Bijection coupling(Transform transform, Conditioned net, const Tensor& kept, const Tensor& moved) {
  return std::make_shared<Coupling>(std::move(transform), std::move(net), kept, moved);
}

Transform affine_transform(double limit) {
  return {2,
          [limit](const Tensor& x, const Tensor& theta) -> Mapped {
            const auto s = bounded(theta.select(-1, 1), limit);
            const auto y = s.exp() * x + theta.select(-1, 0);
            return {y, s.expand_as(y)};
          },
          [limit](const Tensor& y, const Tensor& theta) -> Mapped {
            const auto s = bounded(theta.select(-1, 1), limit);
            const auto x = (y - theta.select(-1, 0)) * (-s).exp();
            return {x, (-s).expand_as(x)};
          }};
}

Transform gate_transform(double bias) {
  return {2,
          [bias](const Tensor& x, const Tensor& theta) -> Mapped {
            const auto s = theta.select(-1, 1) + bias;
            const auto g = s.sigmoid();
            const auto y = g * x + (1 - g) * theta.select(-1, 0);
            return {y, at::log_sigmoid(s).expand_as(y)};
          },
          [bias](const Tensor& y, const Tensor& theta) -> Mapped {
            const auto s = theta.select(-1, 1) + bias;
            const auto g = s.sigmoid();
            const auto x = (y - (1 - g) * theta.select(-1, 0)) / g;
            return {x, -at::log_sigmoid(s).expand_as(x)};
          }};
}

}  // namespace elbo
