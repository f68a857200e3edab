#pragma once

#include <string>

#include "elbo/model/objective.h"

// What estimators for draws without gradients share.

namespace elbo {

/// log p(x, z) - log q(z | x) of draws, and what the draws themselves owe to the encoder.
struct DrawnBound {
  Tensor log_w;  // [S, B]
  Tensor score;  // [S, B] log q of the sites whose draws carry no gradient
};
/// `with_score`: whether log_w carries the gradient of that log q, whose mean is 0 in a mean over
/// draws, but not in a logarithm of one. Raises an Error where every draw carries a gradient, or
/// where a site is enumerated.
DrawnBound drawn_bound(const Inference& inference, const Batch& batch, bool with_score,
                       const std::string& where);

/// The loss -bound [B] as a mean over rows, with the gradient of `estimate` [B] added to it: only
/// its gradient counts. The log shows the ELBO.
Terms estimated(const Tensor& bound, const Tensor& estimate, const Tensor& log_w);

}  // namespace elbo
