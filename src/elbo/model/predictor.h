#pragma once

#include <memory>

#include "elbo/core/api.h"
#include "elbo/core/options.h"
#include "elbo/data/dataset.h"
#include "elbo/model/head.h"

namespace ELBO_API elbo {

/// What rows have beside x, told from their code: p(target | code). Training adds its weighted log
/// density to the bound, so that codes are in order of it (Gomez-Bombarelli et al. 2018).
class Predictor : public torch::nn::Module {
 public:
  Predictor(std::shared_ptr<Network> network, std::shared_ptr<Head> head, double weight);
  /// code: [B, …] -> [B, k]
  Dist operator()(const Tensor& code);
  /// [B] the weighted negative log density; an unknown property (NaN) costs nothing.
  Tensor cost(const Tensor& code, const Tensor& target);

 private:
  std::shared_ptr<Network> network_;
  std::shared_ptr<Head> head_;
  const double weight_;
};

/// From the spec's part "property"; null where the data have nothing to predict.
std::shared_ptr<Predictor> make_predictor(const Json& declaration, const Schemas& data,
                                          const Shape& code);
/// The part "property" with its defaults.
Json resolve_property(const Json& declaration, const Schemas& data);

}  // namespace elbo
