#pragma once

#include <functional>
#include <memory>

#include "elbo/core/api.h"
#include "elbo/distributions/distribution.h"

// Invertible maps of the last axis. Like distributions they are values that hold their parameters,
// which broadcast against the argument; every one has an inverse, by formula or by root finding.

namespace ELBO_API elbo {

/// A map's value and log |det d value / d argument|, one number per row: [...].
struct Mapped {
  Tensor value, log_det;
};

class Bijector {
 public:
  virtual ~Bijector() = default;
  /// z: [..., d] -> y.
  virtual Mapped push(const Tensor& z) const = 0;
  /// y: [..., d] -> z.
  virtual Mapped pull(const Tensor& y) const = 0;
};
using Bijection = std::shared_ptr<const Bijector>;

/// The same map with push and pull exchanged.
Bijection inverted(Bijection map);

/// z + u tanh(w'z + b); u, w: [..., d], b: [..., 1]. u is bent so that the map stays invertible
/// (Rezende & Mohamed 2015, arXiv:1505.05770).
Bijection planar(const Tensor& u, const Tensor& w, const Tensor& b);
/// z + beta (z - centre) / (alpha + |z - centre|); log_alpha, raw_beta: [..., 1] (the same paper).
Bijection radial(const Tensor& centre, const Tensor& log_alpha, const Tensor& raw_beta);
/// z + Q R tanh(S Q'z + b); Q: [..., d, m] with orthonormal columns, R and S: [..., m, m] upper
/// triangular with diagonals whose products lie above -1, b: [..., m] (van den Berg et al. 2018,
/// arXiv:1803.05649).
Bijection sylvester(const Tensor& Q, const Tensor& R, const Tensor& S, const Tensor& b);
/// Reflections one after another: z - 2 v (v'z) / |v|² for each row of v: [..., k, d]
/// (Tomczak & Welling 2016, arXiv:1611.09630).
Bijection householder(const Tensor& v);
/// The columns of Q: [..., d, m]: the first m of the product of these reflections.
Tensor reflect_identity(const Tensor& v, int64_t m);

/// A monotone map of single numbers x: [..., d] with parameters theta: [..., d, parameters].
/// Values and log |derivative| are per number.
struct Transform {
  int64_t parameters;
  std::function<Mapped(const Tensor&x, const Tensor&theta)> push, pull;
};
/// exp(s) x + m, with s softly bounded to ±limit.
Transform affine_transform(double limit = 5);
/// g x + (1 - g) m, g = sigmoid(s + bias) (Kingma et al. 2016, arXiv:1606.04934).
Transform gate_transform(double bias = 1.5);
/// Monotone rational-quadratic spline on [-bound, bound], the identity outside (Durkan et al. 2019,
/// arXiv:1906.04032).
Transform spline_transform(int64_t bins, double bound);

/// theta: [..., d, parameters] of z: [..., d].
using Conditioned = std::function<Tensor(const Tensor& z)>;
/// Each number transformed by what the net says; the net's row i reads only numbers that come
/// before i in some order. push is one pass of the net, pull takes d.
Bijection autoregressive(Transform transform, Conditioned net);
/// The `moved` numbers transformed by what the net reads from the others, which stay
/// (Dinh et al. 2017, arXiv:1605.08803). Both: int64 places on the last axis.
Bijection coupling(Transform transform, Conditioned net, const Tensor& kept, const Tensor& moved);

}  // namespace elbo
