#pragma once

#include "elbo/core/api.h"
#include "elbo/distributions/distribution.h"
#include "elbo/distributions/halves.h"

// Continuous densities on one component each. The structs take parameters as they are (no pass
// over the data); those in `checked` check them first and are for users.

namespace ELBO_API elbo {

/// scale is the standard deviation. Parameters broadcast.
class Normal : public Distribution {
 public:
  Normal(Tensor loc, Log scale);
  Normal(Tensor loc, const Tensor& scale) : Normal(std::move(loc), Log(scale.log())) {}
  /// Both as halves of h along its second axis, the log scale bounded: what a network gives. They
  /// are taken apart where somebody asks for them.
  Normal(const Tensor& h, double low, double high);
  const Tensor& loc() const { return apart().loc; }
  const Tensor& log_scale() const { return apart().log_scale; }
  Tensor log_prob(const Tensor& x) const override;
  Tensor row_log_prob(const Tensor& x, const Tensor& mask = Tensor()) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  Tensor stddev() const override;
  bool factorises() const override { return true; }
  NamedTensors parameters() const override { return {{"loc", loc()}, {"log_scale", log_scale()}}; }
  Dist detached() const override;
  Shape shape() const;
  /// The parameters as they were given: densities, draws and the KL to a standard normal take them
  /// so.
  const Halves& given() const { return given_; }

 private:
  const Halves& apart() const;

  Halves given_;
  mutable Halves apart_;  // undefined until asked for
};

/// Mean 0, deviation 1: a type of its own, so that a KL to it is one fused pass.
struct StandardNormal : Distribution {
  Shape shape;
  torch::TensorOptions options;
  explicit StandardNormal(Shape shape, torch::TensorOptions options = torch::kFloat32)
      : shape(std::move(shape)), options(options) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override { return torch::zeros(shape, options); }
  Tensor stddev() const override { return torch::ones(shape, options); }
  bool factorises() const override { return true; }
  Dist detached() const override { return std::make_shared<StandardNormal>(*this); }
};

struct Laplace : Distribution {
  Tensor loc, scale;
  Laplace(Tensor loc, Tensor scale) : loc(std::move(loc)), scale(std::move(scale)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  Tensor stddev() const override;
  bool factorises() const override { return true; }
  NamedTensors parameters() const override { return {{"loc", loc}, {"scale", scale}}; }
  Dist detached() const override;
};

/// The mean exists for df > 1, the deviation for df > 2; NaN (or infinity) elsewhere.
struct StudentT : Distribution {
  Tensor df, loc, scale;
  StudentT(Tensor df, Tensor loc, Tensor scale)
      : df(std::move(df)), loc(std::move(loc)), scale(std::move(scale)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  Tensor stddev() const override;
  bool factorises() const override { return true; }
  NamedTensors parameters() const override { return {{"df", df}, {"loc", loc}, {"scale", scale}}; }
  Dist detached() const override;
  Shape shape() const;
};

struct Logistic : Distribution {
  Tensor loc, scale;
  Logistic(Tensor loc, Tensor scale) : loc(std::move(loc)), scale(std::move(scale)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  Tensor stddev() const override;
  bool factorises() const override { return true; }
  NamedTensors parameters() const override { return {{"loc", loc}, {"scale", scale}}; }
  Dist detached() const override;
};

/// On [low, high]; log_prob is -infinity outside.
struct Uniform : Distribution {
  Tensor low, high;
  Uniform(Tensor low, Tensor high) : low(std::move(low)), high(std::move(high)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  Tensor stddev() const override;
  bool factorises() const override { return true; }
  Dist detached() const override;
};

/// On (0, 1), with concentrations alpha and beta. x at an edge is read as the nearest inner number.
struct Beta : Distribution {
  Tensor alpha, beta;
  Beta(Tensor alpha, Tensor beta) : alpha(std::move(alpha)), beta(std::move(beta)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  Tensor stddev() const override;
  bool factorises() const override { return true; }
  NamedTensors parameters() const override { return {{"alpha", alpha}, {"beta", beta}}; }
  Dist detached() const override;
};

/// On (0, infinity), with mean concentration / rate. x = 0 is read as the smallest number above.
struct Gamma : Distribution {
  Tensor concentration, rate;
  Gamma(Tensor concentration, Tensor rate)
      : concentration(std::move(concentration)), rate(std::move(rate)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override;
  Tensor stddev() const override;
  bool factorises() const override { return true; }
  NamedTensors parameters() const override {
    return {{"concentration", concentration}, {"rate", rate}};
  }
  Dist detached() const override;
};

/// All mass at one point: log_prob is 0 there and -infinity elsewhere (a mass, not a density).
/// KL(Delta || normal) is registered without the constants: half the squared standardised value.
struct Delta : Distribution {
  Tensor value;
  explicit Delta(Tensor value) : value(std::move(value)) {}
  Tensor log_prob(const Tensor& x) const override;
  Tensor sample(torch::IntArrayRef prefix = {}) const override;
  Tensor mean() const override { return value; }
  Tensor stddev() const override { return torch::zeros_like(value); }
  /// A mass.
  bool factorises() const override { return false; }
  Dist detached() const override { return std::make_shared<Delta>(value.detach()); }
};

/// Checked: an Error names the parameter that is not finite or not positive.
/// Qualified, since PyTorch has functions of these names that a plain call would find too.
namespace checked {
Dist normal(const Tensor& loc, const Tensor& scale);
Dist laplace(const Tensor& loc, const Tensor& scale);
Dist student(const Tensor& df, const Tensor& loc, const Tensor& scale);
Dist logistic(const Tensor& loc, const Tensor& scale);
Dist uniform(const Tensor& low, const Tensor& high);
Dist beta(const Tensor& alpha, const Tensor& beta);
Dist gamma(const Tensor& concentration, const Tensor& rate);
Dist delta(const Tensor& value);
}  // namespace checked

}  // namespace elbo
