#pragma once

#include <functional>

#include "elbo/model/model.h"

namespace elbo {

struct AnnealedOptions {
  int64_t chains = 16;        // for each row
  int64_t temperatures = 50;  // from the posterior to the joint density
  int64_t leaps = 5;          // of a Hamiltonian move at each
};

/// [B] log p(x) by annealed importance sampling (Neal 2001; Wu et al. 2017, arXiv:1611.04273):
/// chains start at draws of q(z|x) and move by Hamiltonian dynamics towards p(x, z); their weights
/// are an unbiased estimate of p(x). Step sizes and masses come from a run before, so that the
/// chains that count do not choose their own. Raises an Error naming a site without density or
/// gradient.
Tensor annealed_log_prob(Model& model, const Batch& batch, const AnnealedOptions& options);

}  // namespace elbo
