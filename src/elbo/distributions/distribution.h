#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <typeindex>
#include <utility>

#include "elbo/core/api.h"
#include "elbo/core/error.h"
#include "elbo/core/tensor.h"

namespace ELBO_API elbo {

/// A positive parameter, given by its logarithm: Normal(loc, scale), Normal(loc, Log(log_scale)).
struct Log {
  Tensor value;
  explicit Log(Tensor value) : value(std::move(value)) {}
};

class Distribution;
using Dist = std::shared_ptr<const Distribution>;

/// What S particles say of B rows: a distribution of S*B rows, S outermost, is read as the mixture
/// of each row's S members.
struct Particles {
  Tensor weights;    // [S, B] with sum 1 over S; undefined = each row stands for itself
  Tensor low, high;  // numbers are held within these before they are averaged; undefined = anywhere

  Tensor within(const Tensor& x) const;
  /// [S*B, …] -> [B, …], the weighted mean.
  Tensor mixed(const Tensor& x) const;
  /// The same with the limits of these columns alone.
  Particles of_columns(const Tensor& at) const;
};

/// A distribution over tensors: a cheap, immutable value that holds its parameters.
/// log_prob gives one number per independent component and broadcasts; the caller sums (row_sum).
class Distribution {
 public:
  virtual ~Distribution() = default;
  virtual Tensor log_prob(const Tensor& x) const = 0;
  /// Shape: prefix + parameters. Carries gradients if reparameterized().
  virtual Tensor sample(torch::IntArrayRef prefix = {}) const = 0;
  /// Draws of which only the columns `wanted` [D] bool are read; the others may hold anything.
  virtual Tensor sample_columns(const Tensor&) const { return sample(); }
  virtual Tensor mean() const = 0;
  /// Per component; undefined where it has no closed form.
  virtual Tensor stddev() const { return Tensor(); }
  /// What stands for a draw where one value is asked for, shaped like one: the mean of numbers, the
  /// median of grades, the likeliest of classes.
  virtual Tensor typical(const Particles& of = {}) const { return of.mixed(of.within(mean())); }
  /// Whether it is a density, or a mass function, of independent elements: log_prob has the shape
  /// of a draw. Found out at the mean; overridden where the answer is known without computing.
  virtual bool factorises() const;
  /// The tensors that make it what it is, by name, with rows as in a draw; empty where it is made
  /// of other distributions. Exported graphs give them.
  virtual NamedTensors parameters() const { return {}; }
  /// [rows]: log_prob, masked and summed per row. Overridden where one fused pass is faster.
  virtual Tensor row_log_prob(const Tensor& x, const Tensor& mask = Tensor()) const {
    return row_sum(log_prob(x), mask);
  }
  virtual bool reparameterized() const { return true; }
  /// Flows override this: the density of one's own draw needs no inverse.
  virtual std::pair<Tensor, Tensor> sample_and_log_prob() const {
    auto x = sample();
    return {x, log_prob(x)};
  }
  /// Whether the density of a draw comes along with it; else it is computed only where it is asked.
  virtual bool knows_own_draws() const { return false; }
  /// The same distribution without gradients to its parameters, for score-free estimators
  /// (STL, DReG); null where the parameters cannot be told from the value.
  virtual Dist detached() const { return nullptr; }
};

/// [rows] KL(q || p), summed per row, where a closed form is registered for the two types.
/// q and p broadcast against each other.
std::optional<Tensor> kl(const Distribution& q, const Distribution& p);
/// The same per component, [rows, …]: for free bits per dimension and reports.
std::optional<Tensor> kl_components(const Distribution& q, const Distribution& p);

/// Registers a closed form for a pair of types: f(q, p) gives KL per component.
/// `rows`, where given, is a fused version that gives the sum per row.
using KlFunction = std::function<Tensor(const Distribution&, const Distribution&)>;
bool add_kl(std::type_index q, std::type_index p, KlFunction components, KlFunction rows = nullptr);
template <class Q, class P, class F>
bool add_kl(F f) {
  return add_kl(typeid(Q), typeid(P), [f](const Distribution& q, const Distribution& p) {
    return f(static_cast<const Q&>(q), static_cast<const P&>(p));
  });
}

/// The shape of a draw: prefix in front of the parameters' shape.
Shape draw_shape(torch::IntArrayRef prefix, torch::IntArrayRef parameters);
/// The shape two parameters broadcast to.
Shape broadcast_shape(const Tensor& a, const Tensor& b);

/// Uniform on (0, 1) without the ends, so that logarithms of u and 1 - u are finite.
Tensor open_uniform(const Shape& shape, const torch::TensorOptions& options);

/// Raises an Error naming the distribution and its parameter unless all values are finite and
/// (where asked) positive. A pass over the data: for constructors users call, not for heads.
void check_parameter(const char* distribution, const char* parameter, const Tensor& value,
                     bool positive);

}  // namespace elbo
