#pragma once

#include <torch/nn/module.h>

#include <memory>

#include "elbo/core/api.h"
#include "elbo/core/registry.h"
#include "elbo/data/schema.h"
#include "elbo/distributions/distribution.h"
#include "elbo/nn/network.h"

namespace ELBO_API elbo {

/// Posteriors, likelihoods and conditional priors read features; a free prior has none to read.
enum class Role { kFeatures, kFree };

/// A learned map from features to a distribution. Prior, posterior and likelihood are
/// the three places a head can stand; one class may stand in several.
class Head : public torch::nn::Module {
 public:
  /// h: [B, input()…] features; undefined for a free prior (parameters without a batch axis).
  virtual Dist operator()(const Tensor& h) = 0;
  /// Where it may stand; make_head() refuses it elsewhere.
  virtual bool fits(Role) const { return true; }
  /// Shape of h without the batch axis.
  virtual Shape input() const = 0;
  /// As a prior of these training rows ([B] their places): one that is made of some of them leaves
  /// out each row's own part.
  virtual Dist leave_out(const Tensor& h, const Tensor& rows) {
    (void)rows;
    return (*this)(h);
  }
  /// As a prior: whether h is the condition c (its input() is then c's shape).
  virtual bool reads_condition() const { return false; }
};
using Prior = std::shared_ptr<Head>;
using Posterior = std::shared_ptr<Head>;
using Likelihood = std::shared_ptr<Head>;

/// Where a part will stand, and what is built already and may be borrowed (held, never registered).
struct Context {
  Schema variable;  // what the head describes
  Schemas data;
  std::shared_ptr<Network> encoder = nullptr;
  Posterior posterior = nullptr;
  Role role = Role::kFeatures;
};
Registry<Head, const Context&>& heads();
/// The declared head, refused where it does not fit the place.
std::shared_ptr<Head> make_head(const Context& at, const Json& declaration);

}  // namespace elbo
