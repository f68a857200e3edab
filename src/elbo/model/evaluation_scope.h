#pragma once

#include <torch/nn/module.h>

namespace elbo {

/// In its scope a module is in evaluation mode; then, however the scope is left, in the mode that
/// it was in before.
class EvaluationScope {
 public:
  explicit EvaluationScope(torch::nn::Module& module)
      : module_(module), training_(module.is_training()) {
    module_.eval();
  }
  ~EvaluationScope() { module_.train(training_); }
  EvaluationScope(const EvaluationScope&) = delete;
  EvaluationScope& operator=(const EvaluationScope&) = delete;

 private:
  torch::nn::Module& module_;
  const bool training_;
};

}  // namespace elbo
