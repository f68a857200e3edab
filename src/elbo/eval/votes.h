#pragma once

#include "elbo/core/tensor.h"

// The two scores that ask which factor was held: from groups of rows that share one factor's value.

namespace elbo {

/// v groups of b rows, or of b pairs of rows, that agree in the value of one factor each.
struct Groups {
  Tensor rows;    // [v, b], or [v, b, 2]
  Tensor factor;  // [v] int64, which factor is held
};
/// Draws a factor and one of its values (those of a random row), then rows with that value, with
/// replacement. `pairs`: each pair shares a value of its own.
Groups draw_groups(const Tensor& factors, int64_t count, int64_t batch, bool pairs);

/// FactorVAE score (Kim & Mnih 2018, arXiv:1802.05983): the code that varies least within a group
/// votes for the factor; codes of deviation below 0.05 are left out.
struct VoteScore {
  double score = 0;
  int64_t active_codes = 0;
};
VoteScore factor_vae_score(const Tensor& codes, const Groups& train, const Groups& test,
                           int64_t factors);
/// beta-VAE score (Higgins et al. 2017): logistic regression from mean absolute differences.
double beta_vae_score(const Tensor& codes, const Groups& train, const Groups& test,
                      int64_t factors);

}  // namespace elbo
