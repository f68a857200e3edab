#pragma once

#include "elbo/data/dataset.h"

namespace elbo {

/// A part that keeps something of the training set. Training shows it to every module of a model
/// that is one, once, before the first step; what it keeps are buffers, so that runs hold it.
class SeesTraining {
 public:
  virtual ~SeesTraining() = default;
  virtual void see(const Dataset& training) = 0;
};

}  // namespace elbo
