#pragma once

#include <functional>
#include <optional>
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

/// What a loss is computed from: one batch at one step of training.
class Step {
 public:
  Step(Model& model, const Batch& batch, int64_t number, int64_t turn = 0)
      : model(model), batch(batch), number(number), turn(turn) {}
  Model& model;
  const Batch& batch;
  const int64_t number;  // of the steps before it; schedules read it
  int64_t turn;          // of the player's turns before it within this step

  /// Model::infer(batch, samples), drawn anew, with gradients.
  Inference infer(int64_t samples = 1) const { return model.infer(batch, samples); }
  /// One draw of the codes without gradients, inferred when first asked for and shared by all
  /// players until one moves a parameter of the latent.
  const Trace& codes() const;
  /// A player has stepped these parameters.
  void moved(const std::vector<Tensor>& parameters);

 private:
  mutable std::optional<Trace> codes_;
};

/// How a player's parameters are updated; what is unset is the Trainer's.
struct PlayerSettings {
  std::optional<std::string> rule;  // adam, adamw, adamax
  double rate = 1;                  // factor of the learning rate
  std::optional<double> beta1, beta2, weight_decay, clip;
};

/// Parameters that are stepped on a loss of their own.
struct Player {
  std::string name;
  std::vector<Tensor> parameters;
  /// An undefined loss: the player sits out what is left of its turns. Must not outlive the
  /// objective that made it.
  std::function<Terms(const Step&)> loss;
  PlayerSettings settings = {};
  int64_t times = 1;  // turns within a step
  int64_t every = 1;  // it plays at the first of so many steps
};

/// What training minimises. It may own networks (a critic), and it may have several players, which
/// take their turns one after the other on each batch.
class Objective : public torch::nn::Module {
 public:
  /// The first player plays at every step, and its first turn is what the log shows. Default: one
  /// player, "model", with all parameters of the model and loss().
  virtual std::vector<Player> players(Model& model);
  /// The first player's loss.
  virtual Terms loss(const Step& step) = 0;
  /// The loss that validation and early stopping read: by default loss() with schedules at the
  /// values they end with, so that epochs compare.
  virtual Terms validate(Model& model, const Batch& batch);
  /// Factor of the KL term at a step; of its heaviest part where it is split.
  virtual double kl_weight(int64_t /*step*/) const { return 1; }
  /// Draws of the codes per row of a step.
  virtual int64_t draws() const { return 1; }
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
