#pragma once

#include "elbo/core/tensor.h"

namespace elbo {

/// What the codes of n rows tell about the rows, in nats, from diagonal normal posteriors; q(z) is
/// their mixture, so that no information exceeds log n.
struct CodeInformation {
  double information = 0;        // I(x; z)
  double gap = 0;                // KL(q(z) || p(z)), the aggregate posterior from the prior
  double total_correlation = 0;  // KL(q(z) || the product of q(z_j))
  Tensor dimension_information;  // [d] I(x; z_j)
  Tensor dimension_gap;          // [d] KL(q(z_j) || p(z_j)); undefined where the prior has no parts
};
/// mean, deviation, z (one draw each) [n, d]; log_prior [n] log p(z); dimension_log_prior [n, d]
/// or undefined (Hoffman & Johnson 2016; the estimator of He et al. 2019, arXiv:1901.05534).
CodeInformation code_information(const Tensor& mean, const Tensor& deviation, const Tensor& z,
                                 const Tensor& log_prior,
                                 const Tensor& dimension_log_prior = Tensor());

}  // namespace elbo
