#pragma once

#include "elbo/distributions/distribution.h"

namespace elbo {

/// What the codes of n rows tell about the rows, in nats, from posteriors that factorise; q(z) is
/// their mixture, so that no information exceeds log n.
struct CodeInformation {
  double information = 0;        // I(x; z)
  double gap = 0;                // KL(q(z) || p(z)), the aggregate posterior from the prior
  double total_correlation = 0;  // KL(q(z) || the product of q(z_j))
  Tensor dimension_information;  // [d] I(x; z_j)
  Tensor dimension_gap;          // [d] KL(q(z_j) || p(z_j)); undefined where the prior has no parts
};
/// posteriors: of some rows each, n in all; z: [n, d], one draw of each row's; log_prior: [n] log
/// p(z); dimension_log_prior: [n, d] or undefined (Hoffman & Johnson 2016; the estimator of He et
/// al. 2019, arXiv:1901.05534).
CodeInformation code_information(const std::vector<Dist>& posteriors, const Tensor& z,
                                 const Tensor& log_prior,
                                 const Tensor& dimension_log_prior = Tensor());

}  // namespace elbo
