#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "elbo/core/light.h"
#include "elbo/distributions/composite.h"
#include "elbo/model/head.h"

// What likelihood heads share.

namespace elbo {

// Rates from 3e-7 to 3e6: what float32 counts tell apart.
inline constexpr double kLogRate = 15;
// Beyond 2e4 a negative binomial is a Poisson to float32.
inline constexpr double kLowestLogTotal = -7, kHighestLogTotal = 10;

/// Raises an Error unless the variable is of a kind that the head can describe.
inline void check_kind(const char* head, const Schema& variable, const std::vector<Kind>& allowed) {
  std::vector<std::string> names;
  for (const auto kind : allowed) names.push_back(to_string(kind));
  check(std::find(allowed.begin(), allowed.end(), variable.kind) != allowed.end(), "[head ", head,
        "] kind: found ",
        variable.present() ? to_string(variable.kind) : std::string("no variable"),
        " data, it describes ", join(names));
  check(!variable.shape.empty() || variable.kind == Kind::kCategory, "[head ", head,
        "] shape: found single numbers, expected columns or an image");
}

/// Kinds whose values are numbers with an order.
inline const std::vector<Kind>& numeric_kinds() {
  static const std::vector<Kind> kinds = {Kind::kReal, Kind::kUnit, Kind::kBinary, Kind::kByte,
                                          Kind::kCount};
  return kinds;
}

/// The shape of k parameters per component: k times as many channels or columns.
inline Shape times(int64_t k, Shape shape) {
  if (shape.empty()) return {k};
  shape[0] *= k;
  return shape;
}

/// exp within bounds that keep its logarithm and its square finite.
inline Tensor bounded_exp(const Tensor& log_value, double low, double high) {
  return log_value.clamp(low, high).exp();
}

/// Real data are modelled standardised where the schema has units; the density is
/// that of the raw data.
class Standardization {
 public:
  explicit Standardization(const Schema& variable) {
    const auto units = variable.units();
    if (variable.kind != Kind::kReal || !units) return;
    loc_ = units->loc;
    scale_ = units->scale;
    log_volume_ = scale_.abs().log().sum().view({1});
  }
  Dist operator()(Dist standardised, const Tensor& like) const {
    if (!loc_.defined()) return standardised;
    return std::make_shared<Affine>(std::move(standardised), as_kind_of(like, loc_),
                                    as_kind_of(like, scale_), as_kind_of(like, log_volume_));
  }

 private:
  Tensor loc_, scale_, log_volume_;
};

/// A head that knows the device and type of what it gives as a free prior.
class FreeHead : public Head {
 protected:
  explicit FreeHead(bool can_be_free = true) {
    if (can_be_free) origin_ = register_buffer("origin", torch::zeros({1}));
  }
  torch::TensorOptions options() const { return origin_.options(); }

 private:
  Tensor origin_;
};

/// A head that needs features.
class ReadingHead : public Head {
 public:
  bool fits(Role role) const override { return role == Role::kFeatures; }
};

/// A prior without features to read.
class PriorHead : public Head {
 public:
  bool fits(Role role) const override { return role == Role::kFree; }
};

/// A head without parameters of its own: k features per component make the distribution.
/// Without features it gives the standard member of its family, where there is one.
class FeatureHead : public FreeHead {
 public:
  using Make = std::function<Dist(const std::vector<Tensor>&)>;
  FeatureHead(Shape shape, int64_t k, Make make, bool standard = false)
      : FreeHead(standard),
        shape_(std::move(shape)),
        k_(k),
        make_(std::move(make)),
        standard_(standard) {}
  Dist operator()(const Tensor& h) override {
    if (h.defined()) return make_(h.chunk(k_, 1));
    return make_(std::vector<Tensor>(k_, torch::zeros(shape_, options())));
  }
  bool fits(Role role) const override { return standard_ || role == Role::kFeatures; }
  Shape input() const override { return times(k_, shape_); }

 private:
  Shape shape_;
  int64_t k_;
  Make make_;
  bool standard_;
};

}  // namespace elbo
