#pragma once

#include <string>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/train/flat.h"

namespace ELBO_API elbo {

struct StepSettings {
  std::string rule = "adam";  // adam, adamw, adamax
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0;  // adam, adamax: added to the gradient; adamw: decoupled
  double clip = 0;          // of the player's whole gradient norm; 0 = none
  bool normalize = false;   // each tensor's gradient scaled to norm 1 first
  double average = 0;       // decay of the averaged weights; 0 = none
};

/// Moments and averaged weights for a flat buffer. One step is one pass over memory: it reads the
/// gradient, updates moments, weights and average, and leaves the gradient zero.
class Optimizer {
 public:
  explicit Optimizer(const FlatParameters& flat);
  /// Steps these spans. Returns the gradient's norm before clipping where clipping is on, else 0.
  double step(FlatParameters& flat, const std::vector<Span>& spans, const StepSettings& settings);

  Tensor first, second;        // [n]
  Tensor average;              // [n] or undefined until the first averaged step
  Tensor low;                  // [n] the weights in bfloat16, kept up to date; undefined = none
  std::vector<int64_t> times;  // of each span: updates that its moments hold, for their bias

 private:
  /// Neighbouring spans that are updated alike.
  struct Stretch {
    int64_t offset = 0, size = 0, time = 0;
  };
  std::vector<Stretch> advance(const std::vector<Span>& spans, bool merged);
};

}  // namespace elbo
