#pragma once

#include "elbo/data/dataset.h"

namespace elbo {

/// A part that keeps something of the training set. Training shows it before the first step to
/// every such module of a model, once: what it keeps are buffers, so that runs hold it; and to
/// those of an objective, which runs do not hold, whenever it begins or goes on.
class SeesTraining {
 public:
  virtual ~SeesTraining() = default;
  virtual void see(const Dataset& training) = 0;
};

/// Shows the training set to every part of a module that keeps something of it.
void show_training(const torch::nn::Module& whole, const Dataset& training);

/// x and the mask (bool) of up to `most` training rows, drawn alike each time.
Batch some_of(const Dataset& training, int64_t most);

}  // namespace elbo
