#pragma once

#include <string>
#include <utility>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/model/model.h"

namespace ELBO_API elbo {

struct Terms {
  Tensor loss;                                        // scalar, mean over rows, in nats
  std::vector<std::pair<std::string, Tensor>> parts;  // what the log shows
};

struct Player {
  std::string name;
  std::vector<Tensor> parameters;
};

/// What training minimises. It may own networks (a critic), and it may have several
/// players, each stepping its own parameters on its own loss in turn.
class Objective : public torch::nn::Module {
 public:
  /// Default: one player, "model", with all parameters of the model.
  virtual std::vector<Player> players(Model& model);
  /// A player other than the first may sit a step out: its loss is then undefined.
  virtual Terms loss(const std::string& player, Model& model, const Batch& batch, int64_t step) = 0;
  /// The loss that validation and early stopping read: by default the first player's, with
  /// schedules at the values they end with, so that epochs compare.
  virtual Terms validate(Model& model, const Batch& batch);
};

struct ObjectivePlan {
  Schemas data;
  Shape code;        // of the latent
  int64_t rows = 0;  // of the training set
};
Registry<Objective, const ObjectivePlan&>& objectives();

/// A step past the end of every schedule.
constexpr int64_t kEndOfTraining = int64_t{1} << 50;

}  // namespace elbo
