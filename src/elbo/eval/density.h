#pragma once

#include <functional>

#include "elbo/model/model.h"
#include "elbo/model/refinement.h"

namespace elbo {

struct EvaluateOptions {
  int64_t draws = 100;
  int64_t rows = 0;
  int64_t seed = 0;
  int64_t memory = 512;
  int64_t refine = 0, ais = 0;
  template <class F>
  void fields(F&& f) {
    f("draws", draws, "importance samples for log p(x) (0 = only the ELBO)", between(0, 10000000));
    f("rows", rows, "number of rows to judge, from the first (0 = all)", at_least(0));
    f("seed", seed, "seed of the draws and of the binarization", at_least(0));
    f("refine", refine, kRefineHelp, between(0, 100000));
    f("ais", ais,
      "chains of annealed importance sampling for log p(x), the judge of all bounds (0 = none); "
      "slow: "
      "take some rows, e.g. --ais 16 --rows 100",
      between(0, 10000));
    f("memory", memory, "megabytes of memory for the draws of a block", between(16, 1e6));
  }
};

/// −ELBO with its parts, importance-sampled −log p(x) with its standard error over rows, bits per
/// dimension for discrete data, active units and KL per dimension, with the protocol.
Json evaluate_density(Model& model, const Dataset& data, const EvaluateOptions& options,
                      const std::function<void(double)>& progress);

/// [N] log p(x) by importance sampling in bounded memory: logsumexp over blocks of draws.
Tensor importance_log_prob(Model& model, const Batch& batch, int64_t draws, int64_t block);

}  // namespace elbo
