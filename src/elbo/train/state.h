#pragma once

#include <string>
#include <utility>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/core/tensor.h"

namespace ELBO_API elbo {

/// All that a bit-exact resume needs.
struct TrainState {
  std::vector<std::pair<std::string, Tensor>> tensors;
  Json facts;
  /// Undefined where there is none of this name.
  Tensor find(const std::string& name) const {
    for (const auto& [key, tensor] : tensors) {
      if (key == name) return tensor;
    }
    return Tensor();
  }
};

}  // namespace elbo
