#pragma once

#include <string>

#include "elbo/core/api.h"
#include "elbo/distributions/distribution.h"

namespace ELBO_API elbo {

/// While one lives, it says which values latent variables of this thread take in place of draws:
/// how coding reads them from bits, and gives them back.
class SiteValues {
 public:
  SiteValues();
  virtual ~SiteValues();
  SiteValues(const SiteValues&) = delete;
  SiteValues& operator=(const SiteValues&) = delete;
  static SiteValues* current();

  // What one that says no such values is asked for raises an Error that names the site.

  /// What infer() takes for a draw of q, which has a row for each of the batch; p is the prior.
  virtual Tensor inferred(const std::string& site, const Dist& q, const Dist& p);
  /// What generate() takes for n draws of p; a `conditional` one has its rows already.
  virtual Tensor generated(const std::string& site, const Dist& p, int64_t n, bool conditional);

 private:
  SiteValues* const before_;
};

}  // namespace elbo
