#pragma once

#include <torch/nn/module.h>

#include <algorithm>
#include <cstdint>

namespace elbo {

/// A part whose weights hold rows of the training set: whoever gets the run gets these.
class KeepsRows {
 public:
  virtual ~KeepsRows() = default;
  virtual int64_t rows_kept() const = 0;
};

/// The most that one part of a model holds (each draws the same rows first); 0 = none.
inline int64_t rows_kept_in(const torch::nn::Module& model) {
  int64_t most = 0;
  for (const auto& module : model.modules()) {
    if (const auto* part = dynamic_cast<const KeepsRows*>(module.get())) {
      most = std::max(most, part->rows_kept());
    }
  }
  return most;
}

}  // namespace elbo
