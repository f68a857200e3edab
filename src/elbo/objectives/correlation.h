#pragma once

#include <string>

#include "elbo/model/latent.h"

namespace elbo {

/// [B, B, d] log q(z_i | x_j) of each component: row i's draw under row j's posterior. Raises an
/// Error where the posterior's density does not split into components.
Tensor pairwise_log_prob(const Site& site, const std::string& where);

/// The three parts of the KL (Chen et al. 2018, arXiv:1802.04942), each a mean over rows in nats;
/// their sum is the mean of log q(z|x) - log p(z).
struct KlParts {
  Tensor information;  // I(x; z) under q
  Tensor correlation;  // KL(q(z) || product of q(z_k))
  Tensor dimensions;   // sum of KL(q(z_k) || p(z_k))
};
/// pairwise: [B, B, d]; log_prior: [B]; data_rows: the N of q(z) = mean of q(z|x_n). `estimator`:
/// "mws" (minibatch-weighted: the whole batch at 1/(N B), far too low for large N) or "mss"
/// (stratified: a row's own posterior at 1/N, the others share the rest).
KlParts split_kl(const Tensor& pairwise, const Tensor& log_prior, int64_t data_rows,
                 const std::string& estimator);

}  // namespace elbo
