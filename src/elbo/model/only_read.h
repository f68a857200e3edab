#pragma once

#include <torch/nn/module.h>

#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

/// In its scope the parameters of a module ask for no gradients: it is only read.
class OnlyRead {
 public:
  explicit OnlyRead(torch::nn::Module& module) {
    for (auto& parameter : module.parameters()) {
      if (!parameter.requires_grad()) continue;
      parameter.set_requires_grad(false);
      asked_.push_back(parameter);
    }
  }
  ~OnlyRead() {
    for (auto& parameter : asked_) parameter.set_requires_grad(true);
  }
  OnlyRead(const OnlyRead&) = delete;
  OnlyRead& operator=(const OnlyRead&) = delete;

 private:
  std::vector<Tensor> asked_;
};

}  // namespace elbo
